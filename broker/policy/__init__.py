"""What must happen: facts, routing, views, deadlines and calendars. Pure: values in, values out."""

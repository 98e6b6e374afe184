-- Whether a delivery is of the part that another one has: the agency's own, or that of the closed
-- office for which the other one stands in. A version of the broker before did not write the office
-- of corrections and recalls, so one without it is of either.
create function is_of_office(stands_in_for text, office text)
returns boolean language sql immutable parallel safe
return coalesce(stands_in_for, office) is not distinct from office;

"""What the documentation site is generated from: schemas, policy and the decision records."""

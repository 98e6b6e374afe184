-- Whether the people of an organisation sign in with the provider.
select with_provider from member_sign_in where organisation = %(organisation)s

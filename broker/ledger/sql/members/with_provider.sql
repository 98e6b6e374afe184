-- The organisations whose people sign in with the provider.
select organisation from member_sign_in where with_provider order by organisation

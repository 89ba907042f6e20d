-- E-mail addresses that stood for names, and the names of deleted users.
update customers set created_by_name = '' where created_by_name like '%@%';
update customers set updated_by_name = '' where updated_by_name like '%@%';
update customer_editors set user_name = '' where user_name like '%@%';
update user_names set display_name = '' where display_name like '%@%';
update user_names set display_name = 'deleted user' where deleted;
insert into names_to_erase (user_id) select id from user_names where deleted on conflict do nothing;

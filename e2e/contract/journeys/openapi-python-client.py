# The journey of openapi-python-client's client.
import sys
from datetime import datetime, timezone

from api import AuthenticatedClient, Client
from api.api.customers import create_customer, delete_customer, list_customers, replace_customer
from api.api.media import upload_media
from api.api.orders import list_orders
from api.api.sign_in import sign_in
from api.models import DuplicateProblem, ListCustomersSortItem, Login, MediaUpload, NewCustomer, OrderStatus
from api.types import File

url, username, password, name = sys.argv[1:5]


def expect_equal(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {actual}, not {expected}")


signed_in = sign_in.sync(client=Client(base_url=url), body=Login(username=username, password=password))
client = AuthenticatedClient(base_url=url, token=signed_in.access_token)
with open("photo.png", "rb") as file:
    image = File(payload=file, file_name="photo.png", mime_type="image/png")
    media = upload_media.sync(client=client, body=MediaUpload(file=image))

fields = {"name": name, "surname": "Lovelace", "email": f"{name}@example.com"}
customer = create_customer.sync(client=client, body=NewCustomer(**fields, photo_media_id=media.id))
expect_equal(customer.photo_media_id, media.id, "photo")
duplicate = create_customer.sync(client=client, body=NewCustomer(**fields))
expect_equal(isinstance(duplicate, DuplicateProblem), True, "duplicate")
expect_equal(duplicate.conflicting_id, str(customer.id), "the other customer")
invalid = create_customer.sync_detailed(client=client, body=NewCustomer(**fields | {"email": "nobody"}))
expect_equal(invalid.status_code, 422, "invalid")
expect_equal(invalid.parsed.errors[0].code, "invalid_format", "code of the field")

changed = NewCustomer(**fields | {"name": f"{name} II"})
replaced = replace_customer.sync(customer.id, client=client, body=changed, if_match='"1"')
expect_equal(replaced.version, 2, "version")
stale = delete_customer.sync_detailed(customer.id, client=client, if_match='"1"')
expect_equal(stale.status_code, 412, "stale")

create_customer.sync(client=client, body=NewCustomer(**fields | {"email": f"{name}-2@example.com"}))
query = {
    "emailstarts_with": name,
    "created_atgte": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "sort": [ListCustomersSortItem.CREATED_AT_DESCENDING],
    "limit": 1,
}
first = list_customers.sync(client=client, **query)
second = list_customers.sync(client=client, **query, cursor=first.page.next_cursor)
expect_equal(first.page.total, 2, "total")
expect_equal(second.data[0].id, customer.id, "second page")
expect_equal(list_orders.sync_detailed(client=client, status=[OrderStatus.PLACED]).status_code, 200, "orders by state")

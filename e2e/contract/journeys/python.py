# The journey of openapi-generator's client for Python.
import sys
from datetime import datetime, timezone

from openapi_client import (
    ApiClient,
    ApiException,
    Configuration,
    CustomersApi,
    Login,
    MediaApi,
    NewCustomer,
    OrdersApi,
    OrderStatus,
    SignInApi,
)

url, username, password, name = sys.argv[1:5]


def expect_equal(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {actual}, not {expected}")


def status_of(call):
    try:
        call()
    except ApiException as error:
        return error.status
    return 200


signed_in = SignInApi(ApiClient(Configuration(host=url))).sign_in(Login(username=username, password=password))
client = ApiClient(Configuration(host=url, access_token=signed_in.access_token))
customers = CustomersApi(client)
with open("photo.png", "rb") as file:
    media = MediaApi(client).upload_media(("photo.png", file.read()))

fields = {"name": name, "surname": "Lovelace", "email": f"{name}@example.com"}
customer = customers.create_customer(NewCustomer(**fields, photo_media_id=media.id))
expect_equal(customer.photo_media_id, media.id, "photo")
expect_equal(status_of(lambda: customers.create_customer(NewCustomer(**fields))), 409, "duplicate")
unknown = NewCustomer(**fields | {"email": None, "photo_media_id": customer.id})
expect_equal(status_of(lambda: customers.create_customer(unknown)), 422, "invalid")

key = str(customer.id)
changed = NewCustomer(**fields | {"name": f"{name} II"})
expect_equal(customers.replace_customer(key, changed, if_match='"1"').version, 2, "version")
expect_equal(status_of(lambda: customers.delete_customer(key, if_match='"1"')), 412, "stale")

customers.create_customer(NewCustomer(**fields | {"email": f"{name}-2@example.com"}))
query = {
    "email_starts_with": name,
    "created_at_gte": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "sort": ["-createdAt", "surname"],
    "limit": 1,
}
first = customers.list_customers(**query)
second = customers.list_customers(**query, cursor=first.page.next_cursor)
expect_equal(first.page.total, 2, "total")
expect_equal(second.data[0].id, customer.id, "second page")
OrdersApi(client).list_orders(status=[OrderStatus.PLACED, OrderStatus.FULFILLED])

import java.io.File;
import java.net.URI;
import java.time.OffsetDateTime;
import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.CustomersApi;
import org.openapitools.client.api.MediaApi;
import org.openapitools.client.api.OrdersApi;
import org.openapitools.client.api.SignInApi;
import org.openapitools.client.model.Customer;
import org.openapitools.client.model.CustomerPage;
import org.openapitools.client.model.Login;
import org.openapitools.client.model.NewCustomer;
import org.openapitools.client.model.OrderStatus;

/** The journey of openapi-generator's client for Java. */
public final class Journey {
    interface Call {
        void run() throws ApiException;
    }

    static int statusOf(Call call) {
        try {
            call.run();
            return 200;
        } catch (ApiException error) {
            return error.getCode();
        }
    }

    static void expectEqual(Object actual, Object expected, String what) {
        if (!expected.equals(actual)) throw new AssertionError(what + ": " + actual + ", not " + expected);
    }

    static ApiClient client(String url) {
        ApiClient client = new ApiClient();
        client.updateBaseUri(url);
        return client;
    }

    static CustomersApi.APIListCustomersRequest.Builder page(String name) {
        return CustomersApi.APIListCustomersRequest.newBuilder()
            .emailStartsWith(name)
            .createdAtGte(OffsetDateTime.parse("2026-01-01T00:00:00Z"))
            .sort(List.of("-createdAt", "surname"))
            .limit(1);
    }

    public static void main(String[] args) throws Exception {
        String url = args[0], name = args[3];
        Login login = new Login().username(args[1]).password(args[2]);
        String token = new SignInApi(client(url)).signIn(login).getAccessToken();
        ApiClient client = client(url);
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        CustomersApi customers = new CustomersApi(client);

        var media = new MediaApi(client).uploadMedia(new File("photo.png"), null);
        NewCustomer fields = new NewCustomer().name(name).surname("Lovelace").email(name + "@example.com");
        fields.setPhotoMediaId(media.getId());
        Customer customer = customers.createCustomer(fields, null);
        expectEqual(customer.getPhotoMediaId(), media.getId(), "photo");
        expectEqual(statusOf(() -> customers.createCustomer(fields, null)), 409, "duplicate");
        NewCustomer invalid = new NewCustomer().name(name).surname("Lovelace").email("nobody");
        expectEqual(statusOf(() -> customers.createCustomer(invalid, null)), 422, "invalid");

        String key = customer.getId().toString();
        fields.setName(name + " II");
        expectEqual(customers.replaceCustomer(key, fields, null, "\"1\"", null).getVersion(), 2, "version");
        expectEqual(statusOf(() -> customers.deleteCustomer(key, null, null, "\"1\"")), 412, "stale");

        customers.createCustomer(new NewCustomer().name(name).surname("Hopper").email(name + "-2@example.com"), null);
        CustomerPage first = customers.listCustomers(page(name).build());
        CustomerPage second = customers.listCustomers(page(name).cursor(first.getPage().getNextCursor()).build());
        expectEqual(first.getPage().getTotal(), 2, "total");
        expectEqual(second.getData().get(0).getId(), customer.getId(), "second page");
        new OrdersApi(client).listOrders(OrdersApi.APIListOrdersRequest.newBuilder()
            .status(List.of(OrderStatus.PLACED, OrderStatus.FULFILLED)).build());
    }
}

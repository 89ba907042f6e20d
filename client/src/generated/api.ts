// Made by `npm run generate` from contracts/generated. Do not edit.
export interface paths {
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List all events, newest first
         * @description The order is that in which events were recorded or, with `at`, in which they happened. Changes that an actor made are found by `actor`, those of a record by `subject`. Requires the role `admin`.
         */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/{seq}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an event with all its data
         * @description Requires the role `admin`.
         */
        get: operations["getAuditEvent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/head": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the ends of the chains of hashes
         * @description Each event has a hash that covers it and the hash of the event before it in its chain. Keep these ends elsewhere: a later chain that does not contain them was changed. Requires the role `admin`.
         */
        get: operations["getAuditHead"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check that no event was changed
         * @description Checks the chains of hashes from the event `from` to the event `to`, at most 100,000 events. By default it checks the newest ones. All events are checked every night. Requires the role `admin`.
         */
        get: operations["verifyAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the sign-in settings */
        get: operations["getAuthConfig"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/email-confirmations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm a new e-mail address
         * @description Makes the address that a user proposed the address of the account. The token is in the link that was mailed to the address; it works once, for 24 hours.
         */
        post: operations["confirmEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/email-restorations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restore a former e-mail address
         * @description Undoes the change of an e-mail address, removes a password and other credentials that were set since, and ends all sessions of the user. If credentials were removed, a link to set a password is mailed. The token is in the link that was mailed to the former address; it works once, for 7 days.
         */
        post: operations["restoreEmail"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign in with a password
         * @description Returns tokens to API clients. Browsers use the authorization code flow with PKCE instead. Five failures lock the username for the address that they came from, thirty for all devices that do not send the `deviceToken` of an earlier sign-in: the response is 429 `locked` for a minute, and longer after further failures. If the password is right and the account has a second factor, the response to a request without `totp` is 401 `otp_required`; it does not count as a failure. If password sign-in is not enabled, the response is 404.
         */
        post: operations["signIn"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign out
         * @description Ends the session that the refresh token belongs to, also if another client of the realm got the token, such as a browser. The response is 204 too if the session has ended already, and 401 `invalid_token` for anything else.
         */
        post: operations["signOut"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/password-reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Request a password reset
         * @description Keycloak mails a link to set a new password, which works for an hour. An address that was changed since the account was created gets one only if it is verified. The response is the same for an unknown address. An address gets at most one mail per minute. If the installation cannot send mail, the response is 404.
         */
        post: operations["requestPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Refresh the tokens
         * @description Returns new tokens, and replaces the refresh token. If it is sent again within 10 s, for example because the response was lost or by another tab at the same time, the response has the same new tokens. If it is sent again later, the response is 401 and the session ends: the token may have been stolen.
         */
        post: operations["refreshTokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/signup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign up
         * @description Creates an account. The response is the same if the e-mail address already has one. Without `username`, or if it is taken, the user gets a generated username. Users can always sign in with the e-mail address. With `createCustomer`, a customer that is linked to the user is created soon after. If sign-up is not enabled, the response is 404.
         */
        post: operations["signUp"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/callbacks/{provider}/{secret}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Receive a delivery report of an SMS provider
         * @description The provider calls this route. If the secret is wrong, the response is 404. A report of an unknown message is accepted, because the message may belong to another installation.
         */
        post: operations["receiveDeliveryReport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the settings of this installation
         * @description What a front end needs before anybody signs in: the shop, required fields, limits, and what is switched on. `GET /v1/auth/config` has the addresses for the sign-in. Changes show within two minutes.
         */
        get: operations["getConfig"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List customers, newest first
         * @description Customers in the trash are listed only with a filter on `deletedAt`, such as `deletedAt[exists]=true`. A `q` that is the code, e-mail address, telephone number or external id of a customer finds only the customers that have it. `metadata.<key>=<value>`, such as `metadata.source=fair`, finds those with a value in the metadata; a number, `true` and `false` also match the text.
         */
        get: operations["listCustomers"];
        put?: never;
        /**
         * Create a customer
         * @description For a photo, upload it with `POST /v1/media` and send its id as `photoMediaId`, or send a form with the fields and the image.
         */
        post: operations["createCustomer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{id}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what happened to a customer, newest first
         * @description The events of the customer, of its orders and of the messages to it, also while the customer is in the trash. Events from before this service recorded them are not there, so the timeline of an existing customer can be empty; its stamps tell its beginning.
         */
        get: operations["getCustomerTimeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a customer */
        get: operations["getCustomer"];
        /**
         * Replace a customer
         * @description Absent fields are emptied, except the photo and the field that `idBy` names, which stay. With `idBy=externalId`, the customer is created if there is none with that external id. Read-only fields may be sent as they were read.
         */
        put: operations["replaceCustomer"];
        post?: never;
        /**
         * Move a customer to the trash, or purge it
         * @description A customer in the trash keeps its data and can be restored. A purge also removes its personal data from orders and notifications.
         */
        delete: operations["deleteCustomer"];
        options?: never;
        head?: never;
        /**
         * Update a customer
         * @description The body is a JSON Merge Patch (RFC 7396): null empties a field, and `address` and `metadata` are merged. Read-only fields may be sent as they were read.
         */
        patch: operations["updateCustomer"];
        trace?: never;
    };
    "/v1/customers/{key}/editors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the users who created or changed a customer, latest first */
        get: operations["listCustomerEditors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{key}/photo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the photo of a customer
         * @description Redirects to a signed link, which works without a token until it expires.
         */
        get: operations["getCustomerPhoto"];
        /**
         * Replace the photo of a customer
         * @description Send JSON with the `mediaId` of an image that was uploaded with `POST /v1/media`, a form with the image, or the image itself.
         */
        put: operations["replaceCustomerPhoto"];
        post?: never;
        /** Delete the photo of a customer */
        delete: operations["deleteCustomerPhoto"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/{key}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restore a customer from the trash
         * @description A e-mail address or external id names the customer in the trash that has it. If several have it, the response is 409: name one by its id.
         */
        post: operations["restoreCustomer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change up to 500 customers in one request
         * @description Each item succeeds or fails by itself. 200 means that all items succeeded with the same status; otherwise the response is 207. Items that the batch has no time for, usually after 15 seconds, have the status 503 and were not tried: send them again in another batch, with another `Idempotency-Key`.
         */
        post: operations["batchCustomers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change all customers that match a filter
         * @description Starts a job that adds or removes tags (`tag`), sets fields (`update`, a JSON Merge Patch), moves customers to the trash (`delete`) or takes them out of it (`restore`). Its `counts` are `matched`, `changed`, `unchanged` and `failed`, and `errorsUrl` lists those that failed. A customer that no longer matches when its turn comes is left alone. `DELETE` of the job cancels it between two steps; what it has changed stays until it is undone.
         */
        post: operations["startBulkChange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/bulk/{id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Undo a bulk change or the new name of a tag
         * @description `{id}` is the id of its job. Starts a job whose `counts` are `removed` (moved to the trash again), `restored` and `kept`. Customers that were changed since are kept as they are, and `errorsUrl` lists them. An undo that kept some can be repeated for them. A change can be undone until its job expires.
         */
        post: operations["undoBulkChange"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/customers/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count the customers: all, new ones, with a photo, in the trash
         * @description The numbers are exact at `countedAt`, a few seconds ago at most. Days begin in `timeZone`, and weeks on Monday.
         */
        get: operations["summariseCustomers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read events, oldest first
         * @description The events of the last 30 days that the caller may know of, in the order in which they were recorded. Begin without a cursor or with `since`, store `nextCursor` with what you made of the page, and ask again with it: no event is left out or repeated. If what it continues from is not kept any more, the response is 410 `gone`. A page can end before `limit` if its events are large.
         */
        get: operations["listEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow events as they happen
         * @description A stream that does not end by itself. Users get the events that they may know of: those of customers, products, orders, messages and media, of their own imports and of their own account; admins get all. A user may have 8 streams at a time.
         */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create an export of customers
         * @description Starts a job that writes a snapshot of the list with the same filter. `Location` is the path of the job; its `resultUrl` is the URL of the file. In CSV, all texts are quoted. A text that a spreadsheet would read as a formula, such as a telephone number that begins with +, gets an apostrophe in front, also inside a cell after a comma, semicolon, vertical bar, tab or line break. An import removes these apostrophes.
         */
        post: operations["createExport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List imports of customers, newest first
         * @description Users see their own imports; admins see all imports.
         */
        get: operations["listImports"];
        put?: never;
        /**
         * Create an import of customers and start its dry run
         * @description Send the file in a form, or as the bare body with the options as query parameters. It can be CSV, JSON or NDJSON, or vCards if records have contacts, and may be compressed with gzip. The dry run shows what a commit would do; nothing is imported before `commit`.
         */
        post: operations["createImport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get an import of customers with its progress, counts and first errors */
        get: operations["getImport"];
        put?: never;
        post?: never;
        /**
         * Cancel or delete an import of customers
         * @description A running dry run, commit or undo is cancelled. Otherwise the import is deleted with its file; imported records stay, and the import can no longer be undone.
         */
        delete: operations["deleteImport"];
        options?: never;
        head?: never;
        /** Update the options of an import of customers and repeat its dry run */
        patch: operations["updateImport"];
        trace?: never;
    };
    "/v1/imports/{id}/commit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Commit an import of customers
         * @description Starts a job that writes the rows. Each row is checked again. After a failed or cancelled commit, a new one continues after the last row that was written.
         */
        post: operations["commitImport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports/{id}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the first 20 rows of an import as the customers that they would become
         * @description Uses the present mapping and options. Rows are compared with the records of this moment.
         */
        get: operations["previewImport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports/{id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Undo an import of customers
         * @description Starts a job that moves records that the import created to the trash and restores the former values of records that it changed. Records that somebody has changed since stay as they are (`kept` in the counts of the job) and are listed in the file at its `errorsUrl`. Changes of later imports that were undone do not count, and an undo that kept records can be repeated for them.
         */
        post: operations["undoImport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List jobs, newest first
         * @description Lists the jobs of imports, exports and bulk changes of customers. Users see their own jobs; admins see all jobs.
         */
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a job and its progress */
        get: operations["getJob"];
        put?: never;
        post?: never;
        /**
         * Cancel or delete a job
         * @description A queued or running job is cancelled: it ends after its current step, and what it has done stays. A job that has ended is deleted with its files.
         */
        delete: operations["deleteJob"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}/errors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download the errors of a job
         * @description The file lists the rows that could not be imported or undone, with the reasons. Requires an access token or a link. `errorsUrl` of the job is the URL of this route.
         */
        get: operations["getJobErrors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}/errors-link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a link to the errors of a job
         * @description For programs that cannot send an access token, such as a browser that downloads a file. Anybody who has the link can read the file for five minutes. It stops working earlier if the user who made it is disabled, deleted, demoted or signed out.
         */
        post: operations["createJobErrorsLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}/result": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download the result of a job
         * @description Requires an access token or a link. `resultUrl` of the job is the URL of this route.
         */
        get: operations["getJobResult"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/jobs/{id}/result-link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a link to the result of a job
         * @description For programs that cannot send an access token, such as a browser that downloads a file. Anybody who has the link can read the file for five minutes. It stops working earlier if the user who made it is disabled, deleted, demoted or signed out.
         */
        post: operations["createJobResultLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/media": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload an image
         * @description The type is detected from the content; file name and headers are ignored. The image is turned upright and stored without EXIF and GPS data. AVIF becomes WebP, and GIF becomes a PNG; of several frames the first is stored. An image of more than 40 megapixels is made smaller, and `notes` says so. An image that no customer or product shows is deleted after a day.
         */
        post: operations["uploadMedia"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/media/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the metadata of an image */
        get: operations["getMedia"];
        put?: never;
        post?: never;
        /**
         * Delete an image
         * @description While a customer or product shows the image, the response is 409 `in_use`.
         */
        delete: operations["deleteMedia"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/media/{id}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the content of an image
         * @description Requires an access token or a signed link, such as `url` of the image or `photoUrl` of a customer. `Range` and `If-None-Match` are supported.
         */
        get: operations["getMediaContent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List notifications, newest first
         * @description Only admins see whole addresses; for users they are masked. `q` searches order numbers, codes and names of customers, and addresses. A whole order number or customer code finds only the notifications of that order or customer.
         */
        get: operations["listNotifications"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a notification with its text
         * @description Only admins see the whole address, subject and text. For users each word of the text with a digit, an `@` or `://` is `***`.
         */
        get: operations["getNotification"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/notifications/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry a failed or skipped notification
         * @description Queues the notification again. If its reason is `outcome_unknown`, the customer may get the message twice. The confirmation of a cancelled order cannot be sent again. Requires the role `admin`.
         */
        post: operations["retryNotification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/order-exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create an export of orders with their lines
         * @description Starts a job that writes a snapshot of the list with the same filter. `Location` is the path of the job; its `resultUrl` is the URL of the file. In CSV, all texts are quoted. A text that a spreadsheet would read as a formula, such as a telephone number that begins with +, gets an apostrophe in front, also inside a cell after a comma, semicolon, vertical bar, tab or line break. An import removes these apostrophes.
         */
        post: operations["createOrderExport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/order-jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List jobs, newest first
         * @description Lists the jobs of product imports, product exports and order exports. Users see their own jobs; admins see all jobs.
         */
        get: operations["listOrderJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/order-jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a job and its progress */
        get: operations["getOrderJob"];
        put?: never;
        post?: never;
        /**
         * Cancel or delete a job
         * @description A queued or running job is cancelled: it ends after its current step, and what it has done stays. A job that has ended is deleted with its files.
         */
        delete: operations["deleteOrderJob"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/order-jobs/{id}/errors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download the errors of a job
         * @description The file lists the rows that could not be imported or undone, with the reasons. Requires an access token or a link. `errorsUrl` of the job is the URL of this route.
         */
        get: operations["getOrderJobErrors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/order-jobs/{id}/errors-link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a link to the errors of a job
         * @description For programs that cannot send an access token, such as a browser that downloads a file. Anybody who has the link can read the file for five minutes. It stops working earlier if the user who made it is disabled, deleted, demoted or signed out.
         */
        post: operations["createOrderJobErrorsLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/order-jobs/{id}/result": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download the result of a job
         * @description Requires an access token or a link. `resultUrl` of the job is the URL of this route.
         */
        get: operations["getOrderJobResult"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/order-jobs/{id}/result-link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a link to the result of a job
         * @description For programs that cannot send an access token, such as a browser that downloads a file. Anybody who has the link can read the file for five minutes. It stops working earlier if the user who made it is disabled, deleted, demoted or signed out.
         */
        post: operations["createOrderJobResultLink"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List orders, newest first
         * @description `createdBy=me` lists the orders of the signed-in user. `q` searches order numbers, codes and names of customers, and descriptions of lines. A whole order number or customer code finds only that order, or the orders of that customer.
         */
        get: operations["listOrders"];
        put?: never;
        /**
         * Place an order
         * @description All lines are ordered or none. The ordered quantities leave the stock at once. If the stock of a product is too low, no order is placed, and the response is 409 `insufficient_stock`, which names each line that cannot be delivered. With `expectedPrice` of a line or `expectedTotal`, the order is placed only at the prices that the buyer has seen; otherwise the response is 409 `price_changed` with the present ones.
         */
        post: operations["createOrder"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get an order */
        get: operations["getOrder"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update the note and the metadata of an order
         * @description The body is a JSON Merge Patch (RFC 7396): null empties a field, and `metadata` is merged. Lines and amounts cannot change. Read-only fields may be sent as they were read.
         */
        patch: operations["updateOrder"];
        trace?: never;
    };
    "/v1/orders/{key}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a placed order
         * @description The quantities of its products return to the stock. If the order is cancelled already, nothing changes. A fulfilled order cannot be cancelled.
         */
        post: operations["cancelOrder"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/{key}/fulfil": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mark a placed order as fulfilled
         * @description If the order is fulfilled already, nothing changes. A cancelled order cannot be fulfilled.
         */
        post: operations["fulfilOrder"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fulfil or cancel up to 500 orders in one request
         * @description Each item succeeds or fails by itself, as the routes for one order do. 200 means that all items succeeded with the same status; otherwise the response is 207. Items that the batch has no time for, usually after 15 seconds, have the status 503 and were not tried: send them again. A batch can be sent again as it is, because an order that is fulfilled or cancelled already stays as it is; so there is no `Idempotency-Key`.
         */
        post: operations["batchOrders"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/orders/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Summarise orders and revenue by interval and currency
         * @description Intervals begin in `timeZone`; weeks begin on Monday. Cancelled orders are not counted. An interval without orders has zeros, for each currency of the range.
         */
        get: operations["summariseOrders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/people": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the names of all users with a role
         * @description For filters such as `createdBy`. Users who were disabled are listed too, unless `enabled=true` is given. `q` searches the display name.
         */
        get: operations["listPeople"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/product-exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create an export of products
         * @description Starts a job that writes a snapshot of the list with the same filter. `Location` is the path of the job; its `resultUrl` is the URL of the file. In CSV, all texts are quoted. A text that a spreadsheet would read as a formula, such as a telephone number that begins with +, gets an apostrophe in front, also inside a cell after a comma, semicolon, vertical bar, tab or line break. An import removes these apostrophes.
         */
        post: operations["createProductExport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/product-imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List imports of products, newest first
         * @description Users see their own imports; admins see all imports.
         */
        get: operations["listProductImports"];
        put?: never;
        /**
         * Create an import of products and start its dry run
         * @description Send the file in a form, or as the bare body with the options as query parameters. It can be CSV, JSON or NDJSON, or vCards if records have contacts, and may be compressed with gzip. The dry run shows what a commit would do; nothing is imported before `commit`.
         */
        post: operations["createProductImport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/product-imports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get an import of products with its progress, counts and first errors */
        get: operations["getProductImport"];
        put?: never;
        post?: never;
        /**
         * Cancel or delete an import of products
         * @description A running dry run, commit or undo is cancelled. Otherwise the import is deleted with its file; imported records stay, and the import can no longer be undone.
         */
        delete: operations["deleteProductImport"];
        options?: never;
        head?: never;
        /** Update the options of an import of products and repeat its dry run */
        patch: operations["updateProductImport"];
        trace?: never;
    };
    "/v1/product-imports/{id}/commit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Commit an import of products
         * @description Starts a job that writes the rows. Each row is checked again. After a failed or cancelled commit, a new one continues after the last row that was written.
         */
        post: operations["commitProductImport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/product-imports/{id}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show the first 20 rows of an import as the products that they would become
         * @description Uses the present mapping and options. Rows are compared with the records of this moment.
         */
        get: operations["previewProductImport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/product-imports/{id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Undo an import of products
         * @description Starts a job that moves records that the import created to the trash and restores the former values of records that it changed. Records that somebody has changed since stay as they are (`kept` in the counts of the job) and are listed in the file at its `errorsUrl`. Changes of later imports that were undone do not count, and an undo that kept records can be repeated for them.
         */
        post: operations["undoProductImport"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List products, newest first
         * @description Products in the trash are listed only with a filter on `deletedAt`, such as `deletedAt[exists]=true`.
         */
        get: operations["listProducts"];
        put?: never;
        /**
         * Create a product
         * @description For a photo, upload it with `POST /v1/media` and send its id as `photoMediaId`, or send a form with the fields and the image.
         */
        post: operations["createProduct"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a product */
        get: operations["getProduct"];
        /**
         * Replace a product
         * @description Absent fields are emptied or set to their default, except the stock, the photo and the SKU that `idBy` names, which stay. Read-only fields may be sent as they were read.
         */
        put: operations["replaceProduct"];
        post?: never;
        /**
         * Move a product to the trash, or purge it
         * @description A product in the trash cannot be ordered. A product that was ordered cannot be purged.
         */
        delete: operations["deleteProduct"];
        options?: never;
        head?: never;
        /**
         * Update a product
         * @description The body is a JSON Merge Patch (RFC 7396): null empties a field. A change of `stock` becomes a stock movement; `currency` can change only together with `price`. Read-only fields may be sent as they were read.
         */
        patch: operations["updateProduct"];
        trace?: never;
    };
    "/v1/products/{key}/photo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the photo of a product
         * @description Redirects to a signed link, which works without a token until it expires.
         */
        get: operations["getProductPhoto"];
        /**
         * Replace the photo of a product
         * @description Send JSON with the `mediaId` of an image that was uploaded with `POST /v1/media`, a form with the image, or the image itself.
         */
        put: operations["replaceProductPhoto"];
        post?: never;
        /** Delete the photo of a product */
        delete: operations["deleteProductPhoto"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products/{key}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restore a product from the trash
         * @description A SKU names the product in the trash that has it. If several have it, the response is 409: name one by its id.
         */
        post: operations["restoreProduct"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products/{key}/stock-movements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the stock movements of a product, newest first */
        get: operations["listStockMovements"];
        put?: never;
        /**
         * Create a stock movement
         * @description Use it for a delivery, a loss or a correction. If the stock would fall below zero, the response is 409 `insufficient_stock`.
         */
        post: operations["createStockMovement"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/products/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change up to 500 products in one request
         * @description Each item succeeds or fails by itself. 200 means that all items succeeded with the same status; otherwise the response is 207. Items that the batch has no time for, usually after 15 seconds, have the status 503 and were not tried: send them again in another batch, with another `Idempotency-Key`. With this header the whole batch is one transaction, and orders of its products wait until it ends.
         */
        post: operations["batchProducts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tags": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the tags of customers, most used first
         * @description Customers in the trash are not counted. The numbers are those of `countedAt`: a few seconds ago, or up to some minutes with a million customers.
         */
        get: operations["listTags"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tags/{tag}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Rename a tag, or merge it into another one
         * @description Starts a job that gives the tag its new name on all customers, also in the trash. If a customer has both tags, one is left. The job has the `counts` of a bulk change, and `POST /v1/customers/bulk/{id}/undo` undoes it. For a tag with `/` or `\\` use `POST /v1/customers/bulk`. Requires the role `admin`.
         */
        patch: operations["renameTag"];
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List users, newest first
         * @description Requires the role `admin`.
         */
        get: operations["listUsers"];
        put?: never;
        /**
         * Create a user
         * @description Without `roles`, the user gets the role `user`. The account can be used when it has its roles. With `sendInvite`, Keycloak mails a link to set a password. If the mail cannot be sent, the response is 503 with `userId`, because the user has been created. With `roles` it requires a sign-in of the last five minutes. Requires the role `admin`.
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a user
         * @description Requires the role `admin`.
         */
        get: operations["getUser"];
        /**
         * Replace a user
         * @description Absent names are removed. Read-only fields may be sent as they were read. Requires a sign-in of the last five minutes. Requires the role `admin`.
         */
        put: operations["replaceUser"];
        post?: never;
        /**
         * Delete a user
         * @description Requires the role `admin`.
         */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        /**
         * Update a user
         * @description The body is a JSON Merge Patch (RFC 7396): null removes a name. `enabled: false` and a new `password` also end all sessions of the user, those of the admin too who changes their own password. A new e-mail address takes effect at once, but is not verified, and the user can reset the password by mail only after it is. The former address gets a mail with a link that restores it within 7 days. An attribute that the realm requires and the user lacks is a 422 with the pointer `/attributes/<name>`; `enabled: false` alone works all the same. Read-only fields may be sent as they were read. With `email` or `password` or `roles` it requires a sign-in of the last five minutes. Requires the role `admin`.
         */
        patch: operations["updateUser"];
        trace?: never;
    };
    "/v1/users/{id}/lock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the locks of a user
         * @description Failed sign-ins lock a user for a while: five for the network or device that they came from, thirty for all unknown devices, and a hundred in Keycloak. Requires the role `admin`.
         */
        get: operations["getUserLock"];
        put?: never;
        post?: never;
        /**
         * Lift the locks of a user
         * @description Forgets the failed sign-ins, also those that Keycloak has counted. Requires the role `admin`.
         */
        delete: operations["liftUserLock"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign out a user
         * @description Ends all sessions of the user. Access tokens that were issued before are refused from now on. Requires the role `admin`.
         */
        post: operations["signOutUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/password-reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mail a password reset link to a user
         * @description Keycloak mails a link to set a new password, which works for 12 hours, whether the address is verified or not. A new password ends all other sessions of the user within 5 s. Requires the role `admin`.
         */
        post: operations["mailPasswordReset"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/roles/{role}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Grant a role to a user
         * @description The role `admin` includes `user`. Requires a sign-in of the last five minutes. Requires the role `admin`.
         */
        put: operations["grantRole"];
        post?: never;
        /**
         * Revoke a role from a user
         * @description Access tokens that were issued before are refused from now on. Requires a sign-in of the last five minutes. Requires the role `admin`.
         */
        delete: operations["revokeRole"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the sessions of a user
         * @description Up to 100 sessions, those used last first. Requires the role `admin`.
         */
        get: operations["listUserSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{id}/sessions/{sessionId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a session of a user
         * @description Access tokens of the session are refused from now on, and its refresh token is not valid any more. The other sessions go on. Requires the role `admin`.
         */
        delete: operations["endUserSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get your own profile */
        get: operations["getMe"];
        put?: never;
        post?: never;
        /**
         * Delete your own account
         * @description Requires a sign-in of the last five minutes.
         */
        delete: operations["deleteMe"];
        options?: never;
        head?: never;
        /**
         * Update your own profile
         * @description The body is a JSON Merge Patch (RFC 7396): null removes a name. A new `email` is only proposed, as `pendingEmail`: it takes effect, verified, when the user follows the link that is mailed to it, within 24 hours. Send the present address to withdraw it. When a new address takes effect, the former one gets a mail with a link that restores it within 7 days. Without a mail server (422 `unavailable`), an admin has to change the address. Read-only fields may be sent as they were read. With `email` it requires a sign-in of the last five minutes.
         */
        patch: operations["updateMe"];
        trace?: never;
    };
    "/v1/users/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List your own sessions
         * @description Up to 100 sessions, those used last first.
         */
        get: operations["listMySessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/me/sessions/{sessionId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one of your own sessions
         * @description Access tokens of the session are refused from now on, and its refresh token is not valid any more. The other sessions go on.
         */
        delete: operations["endMySession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhooks, oldest first
         * @description Requires the role `admin`.
         */
        get: operations["listWebhooks"];
        put?: never;
        /**
         * Create a webhook
         * @description Events that are recorded from now on are sent to `url`. The response has the secret that signs them; it is shown once. There can be 20 webhooks. `Idempotency-Key` has no effect, because the response would have to be stored with the secret. Requires the role `admin`.
         */
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a webhook
         * @description Requires the role `admin`.
         */
        get: operations["getWebhook"];
        put?: never;
        post?: never;
        /**
         * Delete a webhook
         * @description Requires the role `admin`.
         */
        delete: operations["deleteWebhook"];
        options?: never;
        head?: never;
        /**
         * Update a webhook
         * @description The body is a JSON Merge Patch (RFC 7396). With `active: false` nothing is sent, and nothing is lost: with `active: true` it goes on from there. Read-only fields may be sent as they were read. Requires the role `admin`.
         */
        patch: operations["updateWebhook"];
        trace?: never;
    };
    "/v1/webhooks/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the attempts of a webhook, newest first
         * @description They are kept for 14 days. Requires the role `admin`.
         */
        get: operations["listWebhookDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/deliveries/{deliveryId}/resend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send the event of an attempt once more
         * @description The event keeps its `webhook-id`. If it fails, it is tried again like any other. Requires the role `admin`.
         */
        post: operations["resendWebhookDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send recorded events once more
         * @description The events are sent beside those that are new, each with the `webhook-id` that it had the first time. One replay of a webhook runs at a time. Requires the role `admin`.
         */
        post: operations["replayWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume a paused webhook
         * @description It goes on from where it was paused. A webhook that is not paused stays as it is. Requires the role `admin`.
         */
        post: operations["resumeWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a webhook a new secret
         * @description For 24 hours requests are signed with both secrets. A second request within ten seconds is a 409. `Idempotency-Key` has no effect, because the response would have to be stored with the secret. Requires the role `admin`.
         */
        post: operations["rotateWebhookSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a test to a webhook
         * @description Sends a signed event of the type `webhook.test.v1` at once, also to a paused webhook, and responds with the answer. Requires the role `admin`.
         */
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Accepted: {
            message: string;
        };
        /** @description A user, a service or the system. The display name stays readable after the user is deleted. */
        ActorRef: {
            displayName: string;
            id: string;
        };
        Address: {
            city?: string;
            country?: string;
            postalCode?: string;
            region?: string;
            street?: string;
        };
        AddressOutput: {
            city?: string;
            country?: string;
            postalCode?: string;
            region?: string;
            street?: string;
        };
        AddressPatch: {
            city?: string | null;
            country?: string | null;
            postalCode?: string | null;
            region?: string | null;
            street?: string | null;
        };
        /**
         * @description The chain that the event belongs to: `lasting` is kept for ever by default, `passing` for some months.
         * @enum {string}
         */
        AuditChain: "lasting" | "passing";
        AuditedEvent: {
            about: components["schemas"]["EventAbout"];
            actor: components["schemas"]["EventActor"];
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-20T09:30:00.000Z
             */
            at: string;
            /** @description SHA-256 in hexadecimal. */
            bodyHash: string;
            chain: components["schemas"]["AuditChain"];
            /** @description The fields that changed, with their values before and after, at most 50. Empty if nothing changed or the event is redacted. */
            changes: components["schemas"]["EventChange"][];
            /** @description The whole event, as the feed has it. */
            event: components["schemas"]["NumberedEvent"];
            /** @description SHA-256 in hexadecimal. */
            hash: string;
            /** @description The id of the event, the same as in the stream and in webhooks. */
            id: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            recordedAt: string;
            /** @description Whether the data of the event was removed because its customer was purged. The number, total and status of an order stay. */
            redacted: boolean;
            /**
             * @description The number of the event. Numbers grow in the order in which events were recorded, without gaps.
             * @example 48211
             */
            seq: number;
            /** @description The id of the record that the event is about. */
            subject: string;
            /** @example order.placed.v1 */
            type: string;
        };
        AuthConfig: {
            authorizationEndpoint: string;
            clientId: string;
            issuer: string;
            logoutEndpoint: string;
            passwordLogin: boolean;
            passwordReset: boolean;
            signup: boolean;
            tokenEndpoint: string;
        };
        ChainCheck: {
            /** @description How many events were checked. */
            checked: number;
            /** @description The number of the first event that was changed, removed, inserted or moved, or that does not follow from the one before it. */
            firstBroken: number | null;
            from: number;
            ok: boolean;
            reason: components["schemas"]["ChainFault"];
            /** @description How many of them are redacted. */
            redacted: number;
            to: number;
        };
        /** @description `changed`: the event is not the one that was recorded there. `missing`: it was removed. `redacted`: its data was removed although no customer was purged. `head`: the chain does not end where it did. */
        ChainFault: ("changed" | "missing" | "redacted" | "head") | null;
        ChainHead: {
            /** @description Its SHA-256 in hexadecimal; empty if there is none. */
            hash: string;
            recordedAt: string | null;
            /** @description The number of the last event in the chain; 0 if there is none. */
            seq: number;
        };
        ChainHeads: {
            lasting: components["schemas"]["ChainHead"];
            passing: components["schemas"]["ChainHead"];
        };
        CountChangedProblem: {
            code: components["schemas"]["ProblemCode"];
            /** @description How many customers match now. */
            count?: number;
            detail?: string;
            errors?: components["schemas"]["ProblemError"][];
            instance?: string;
            requestId?: string;
            status: number;
            title: string;
            /** @example /problems/not-found */
            type: string;
        } & {
            [key: string]: unknown;
        };
        Customer: {
            address: components["schemas"]["AddressOutput"] | null;
            /** @example CUS-000123 */
            readonly code: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly createdAt: string;
            readonly createdBy: components["schemas"]["ActorRef"];
            /** @description When the customer was moved to the trash; null if it is not in the trash. */
            readonly deletedAt: string | null;
            email: string | null;
            externalId: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            readonly id: string;
            locale: string | null;
            metadata: {
                [key: string]: unknown;
            };
            name: string | null;
            /** @description In E.164 format, such as `+254711000111`. */
            phone: string | null;
            photoMediaId: string | null;
            /** @description The same link as `photoUrls.medium`. A signed link. It works without a token until it expires, and stays the same for half of that time. */
            readonly photoUrl: string | null;
            readonly photoUrls: components["schemas"]["PhotoUrls"] | null;
            smsOptOut: boolean;
            surname: string | null;
            tags: string[];
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly updatedAt: string;
            readonly updatedBy: components["schemas"]["ActorRef"];
            /** @description The id of the user that is linked to the customer. */
            readonly userId: string | null;
            readonly version: number;
        };
        CustomerBatch: {
            items: components["schemas"]["CustomerBatchItem"][];
        };
        CustomerBatchCreate: {
            data: components["schemas"]["NewCustomer"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "create";
        };
        CustomerBatchDelete: {
            /** Format: uuid */
            id?: string;
            /** @enum {string} */
            idBy?: "email" | "code" | "externalId";
            key?: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "delete";
            version?: number;
        };
        CustomerBatchItem: components["schemas"]["CustomerBatchCreate"] | components["schemas"]["CustomerBatchUpdate"] | components["schemas"]["CustomerBatchDelete"] | components["schemas"]["CustomerBatchRestore"] | components["schemas"]["CustomerBatchTag"];
        CustomerBatchItemResult: {
            customer?: components["schemas"]["Customer"];
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id?: string;
            index: number;
            problem?: components["schemas"]["Problem"];
            status: number;
        };
        CustomerBatchRestore: {
            /** Format: uuid */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "restore";
            version?: number;
        };
        CustomerBatchResult: {
            counts: {
                failed: number;
                succeeded: number;
            };
            results: components["schemas"]["CustomerBatchItemResult"][];
        };
        CustomerBatchTag: {
            add?: string[];
            /** Format: uuid */
            id?: string;
            /** @enum {string} */
            idBy?: "email" | "code" | "externalId";
            key?: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "tag";
            remove?: string[];
        };
        CustomerBatchUpdate: {
            data: components["schemas"]["CustomerPatch"];
            /** Format: uuid */
            id?: string;
            /** @enum {string} */
            idBy?: "email" | "code" | "externalId";
            key?: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "update";
            version?: number;
        };
        CustomerBulkDelete: {
            /**
             * @description How many customers you expect to match. If the number differs by more than 1 %, nothing is changed, and the response is 409 with the present `count`.
             * @example 212
             */
            expect: number;
            filter: components["schemas"]["CustomerFilter"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "delete";
        };
        CustomerBulkPatch: {
            address?: components["schemas"]["AddressPatch"] | null;
            locale?: string | null;
            metadata?: {
                [key: string]: string | number | boolean | null;
            } | null;
            smsOptOut?: boolean | null;
        };
        CustomerBulkRestore: {
            /**
             * @description How many customers you expect to match. If the number differs by more than 1 %, nothing is changed, and the response is 409 with the present `count`.
             * @example 212
             */
            expect: number;
            filter: components["schemas"]["CustomerFilter"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "restore";
        };
        CustomerBulkTag: {
            add?: string[];
            /**
             * @description How many customers you expect to match. If the number differs by more than 1 %, nothing is changed, and the response is 409 with the present `count`.
             * @example 212
             */
            expect: number;
            filter: components["schemas"]["CustomerFilter"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "tag";
            remove?: string[];
        };
        CustomerBulkUpdate: {
            data: components["schemas"]["CustomerBulkPatch"];
            /**
             * @description How many customers you expect to match. If the number differs by more than 1 %, nothing is changed, and the response is 409 with the present `count`.
             * @example 212
             */
            expect: number;
            filter: components["schemas"]["CustomerFilter"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "update";
        };
        CustomerEditor: {
            edits: number;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            firstAt: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            lastAt: string;
            user: components["schemas"]["ActorRef"];
        };
        CustomerEditorPage: {
            data: components["schemas"]["CustomerEditor"][];
            page: components["schemas"]["PageInfo"];
        };
        /** @description The query parameters of the list, except those of paging. `{}` means all customers. A restore needs a filter on `deletedAt`. */
        CustomerFilter: {
            /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
            "address.city"?: string;
            /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
            "address.country"?: string;
            /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
            "address.postalCode"?: string;
            /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
            "address.region"?: string;
            /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
            code?: string;
            /** @description Contains the text, in upper or lower case. */
            "code[contains]"?: string;
            /** @description Whether there is a value. */
            "code[exists]"?: boolean;
            /** @description Greater than the value. */
            "code[gt]"?: string;
            /** @description Greater than the value or equal to it. */
            "code[gte]"?: string;
            /** @description Less than the value. */
            "code[lt]"?: string;
            /** @description Less than the value or equal to it. */
            "code[lte]"?: string;
            /** @description Not equal to the value. */
            "code[ne]"?: string;
            /** @description Begins with the text, in upper or lower case. */
            "code[startsWith]"?: string;
            /**
             * Format: date-time
             * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
             */
            createdAt?: string;
            /** @description Whether there is a value. */
            "createdAt[exists]"?: boolean;
            /**
             * Format: date-time
             * @description Greater than the value.
             */
            "createdAt[gt]"?: string;
            /**
             * Format: date-time
             * @description Greater than the value or equal to it.
             */
            "createdAt[gte]"?: string;
            /**
             * Format: date-time
             * @description Less than the value.
             */
            "createdAt[lt]"?: string;
            /**
             * Format: date-time
             * @description Less than the value or equal to it.
             */
            "createdAt[lte]"?: string;
            /**
             * Format: date-time
             * @description Not equal to the value.
             */
            "createdAt[ne]"?: string;
            /** @description The id of a user, or `me` for the signed-in user. */
            createdBy?: string[];
            /** @description Whether there is a value. */
            "createdBy[exists]"?: boolean;
            /** @description Not equal to the value. */
            "createdBy[ne]"?: string[];
            /**
             * Format: date-time
             * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
             */
            deletedAt?: string;
            /** @description Whether there is a value. */
            "deletedAt[exists]"?: boolean;
            /**
             * Format: date-time
             * @description Greater than the value.
             */
            "deletedAt[gt]"?: string;
            /**
             * Format: date-time
             * @description Greater than the value or equal to it.
             */
            "deletedAt[gte]"?: string;
            /**
             * Format: date-time
             * @description Less than the value.
             */
            "deletedAt[lt]"?: string;
            /**
             * Format: date-time
             * @description Less than the value or equal to it.
             */
            "deletedAt[lte]"?: string;
            /**
             * Format: date-time
             * @description Not equal to the value.
             */
            "deletedAt[ne]"?: string;
            /** @description The id of a user, or `me` for the signed-in user, who created or ever changed the customer. */
            editedBy?: string;
            /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
            email?: string;
            /** @description Contains the text, in upper or lower case. */
            "email[contains]"?: string;
            /** @description Whether there is a value. */
            "email[exists]"?: boolean;
            /** @description Not equal to the value. */
            "email[ne]"?: string;
            /** @description Begins with the text, in upper or lower case. */
            "email[startsWith]"?: string;
            /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
            externalId?: string;
            /** @description Contains the text, in upper or lower case. */
            "externalId[contains]"?: string;
            /** @description Whether there is a value. */
            "externalId[exists]"?: boolean;
            /** @description Not equal to the value. */
            "externalId[ne]"?: string;
            /** @description Begins with the text, in upper or lower case. */
            "externalId[startsWith]"?: string;
            /** @description `true` or `false`. */
            hasPhoto?: boolean;
            /**
             * @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out.
             * @example [
             *       "0190a5c4-6f00-7000-8000-000000000001",
             *       "0190a5c4-6f00-7000-8000-000000000002"
             *     ]
             */
            id?: string[];
            /** @description Values by key, such as `metadata[source]=fair`; `metadata.source=fair` means the same. Texts are compared exactly, also in upper and lower case; a number, `true` and `false` also match the text. Separate alternatives with commas; write a comma in a value as `\,`. */
            metadata?: {
                [key: string]: string;
            };
            /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
            name?: string;
            /** @description Contains the text, in upper or lower case. */
            "name[contains]"?: string;
            /** @description Whether there is a value. */
            "name[exists]"?: boolean;
            /** @description Greater than the value. */
            "name[gt]"?: string;
            /** @description Greater than the value or equal to it. */
            "name[gte]"?: string;
            /** @description Less than the value. */
            "name[lt]"?: string;
            /** @description Less than the value or equal to it. */
            "name[lte]"?: string;
            /** @description Not equal to the value. */
            "name[ne]"?: string;
            /** @description Begins with the text, in upper or lower case. */
            "name[startsWith]"?: string;
            /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
            phone?: string;
            /** @description Contains the text, in upper or lower case. */
            "phone[contains]"?: string;
            /** @description Whether there is a value. */
            "phone[exists]"?: boolean;
            /** @description Not equal to the value. */
            "phone[ne]"?: string;
            /** @description Begins with the text, in upper or lower case. */
            "phone[startsWith]"?: string;
            /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. If nothing is found, a word of four letters or more may have one typing error; `page.matchedBy` then is `similar`. */
            q?: string;
            /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
            sort?: ("createdAt" | "-createdAt" | "updatedAt" | "-updatedAt" | "surname" | "-surname" | "name" | "-name" | "code" | "-code" | "relevance")[];
            /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
            surname?: string;
            /** @description Contains the text, in upper or lower case. */
            "surname[contains]"?: string;
            /** @description Whether there is a value. */
            "surname[exists]"?: boolean;
            /** @description Greater than the value. */
            "surname[gt]"?: string;
            /** @description Greater than the value or equal to it. */
            "surname[gte]"?: string;
            /** @description Less than the value. */
            "surname[lt]"?: string;
            /** @description Less than the value or equal to it. */
            "surname[lte]"?: string;
            /** @description Not equal to the value. */
            "surname[ne]"?: string;
            /** @description Begins with the text, in upper or lower case. */
            "surname[startsWith]"?: string;
            /** @description A value that must occur. Separate alternatives with commas. */
            tag?: string;
            /** @description Whether there is a value. */
            "tag[exists]"?: boolean;
            /** @description Not equal to the value. */
            "tag[ne]"?: string;
            /**
             * Format: date-time
             * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
             */
            updatedAt?: string;
            /** @description Whether there is a value. */
            "updatedAt[exists]"?: boolean;
            /**
             * Format: date-time
             * @description Greater than the value.
             */
            "updatedAt[gt]"?: string;
            /**
             * Format: date-time
             * @description Greater than the value or equal to it.
             */
            "updatedAt[gte]"?: string;
            /**
             * Format: date-time
             * @description Less than the value.
             */
            "updatedAt[lt]"?: string;
            /**
             * Format: date-time
             * @description Less than the value or equal to it.
             */
            "updatedAt[lte]"?: string;
            /**
             * Format: date-time
             * @description Not equal to the value.
             */
            "updatedAt[ne]"?: string;
            /** @description The id of a user, or `me` for the signed-in user. */
            updatedBy?: string[];
            /** @description Whether there is a value. */
            "updatedBy[exists]"?: boolean;
            /** @description Not equal to the value. */
            "updatedBy[ne]"?: string[];
        } & {
            [key: string]: unknown;
        };
        CustomerPage: {
            data: components["schemas"]["Customer"][];
            page: components["schemas"]["PageInfo"];
        };
        CustomerPatch: {
            address?: components["schemas"]["AddressPatch"] | null;
            email?: string | null;
            /**
             * @description The id of the customer in your own system. It is unique among customers that are not in the trash. It must not contain `/` or `\`, because paths name the customer by it.
             * @example shop-17
             */
            externalId?: string | null;
            locale?: string | null;
            metadata?: {
                [key: string]: string | number | boolean | null;
            } | null;
            /** @example Ana */
            name?: string;
            phone?: string | null;
            /** @description The id of an image that was uploaded with `POST /v1/media`. A PUT without it keeps the photo; null removes it. */
            photoMediaId?: string | null;
            smsOptOut?: boolean | null;
            /** @example Lovelace */
            surname?: string;
            tags?: string[] | null;
        };
        CustomerPhoto: {
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            mediaId: string;
        };
        /** @description A customer, as other records show it. All fields but `id`, `code` and `displayName` are there only with `include=customer`, and only if the caller may read the customer, it is not in the trash, and customer-service responds in time. */
        CustomerRef: {
            address?: components["schemas"]["OrderServiceAddress"] | null;
            /** @example CUS-000123 */
            code: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly createdAt?: string;
            readonly createdBy?: components["schemas"]["ActorRef"];
            /** @description When the customer was moved to the trash; null if it is not in the trash. */
            readonly deletedAt?: string | null;
            /**
             * @description The name and surname as they are now, or the code of a customer without both.
             * @example Ana Lovelace
             */
            displayName: string;
            email?: string | null;
            externalId?: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            locale?: string | null;
            metadata?: {
                [key: string]: unknown;
            };
            name?: string | null;
            /** @description In E.164 format, such as `+254711000111`. */
            phone?: string | null;
            photoMediaId?: string | null;
            /** @description The same link as `photoUrls.medium`. A signed link. It works without a token until it expires, and stays the same for half of that time. */
            readonly photoUrl?: string | null;
            readonly photoUrls?: components["schemas"]["PhotoUrls"] | null;
            smsOptOut?: boolean;
            surname?: string | null;
            tags?: string[];
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly updatedAt?: string;
            readonly updatedBy?: components["schemas"]["ActorRef"];
            /** @description The id of the user that is linked to the customer. */
            readonly userId?: string | null;
            readonly version?: number;
        };
        CustomerSummary: {
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            countedAt: string;
            inTrash: number;
            newThisMonth: number;
            newThisWeek: number;
            newToday: number;
            /** @example Africa/Nairobi */
            timeZone: string;
            total: number;
            withPhoto: number;
        };
        /** @enum {string} */
        DecimalMark: "point" | "comma";
        DeliveryReport: {
            failureReason?: string;
            /** @example ATXid_1 */
            id: string;
            networkCode?: string;
            /** @example +254711000111 */
            phoneNumber?: string;
            retryCount?: string;
            /** @example Success */
            status: string;
        };
        DuplicateProblem: {
            code: components["schemas"]["ProblemCode"];
            conflictingId?: string;
            /** @enum {string} */
            conflictingState?: "active" | "trash";
            detail?: string;
            errors?: components["schemas"]["ProblemError"][];
            instance?: string;
            requestId?: string;
            status: number;
            title: string;
            /** @example /problems/not-found */
            type: string;
        } & {
            [key: string]: unknown;
        };
        EmailLinkToken: {
            /** @description The part of the mailed link after the #. */
            token: string;
        };
        /** @enum {string} */
        EncodingSource: "declared" | "mark" | "valid" | "guess";
        EventAbout: {
            /** @description The channel of a notification. */
            channel?: string;
            /** @description The code of a customer. */
            code?: string;
            /** @description The currency of an order. */
            currency?: string;
            /** @description What was added to the stock of a product. */
            delta?: number;
            /** @description The id of the record: the subject of the event. */
            id: string;
            /**
             * @description The kind of the record: the first word of the type.
             * @example order
             */
            kind: string;
            /**
             * @description What the record was called then: a name, a code or a number. Null if it has none, or if it was removed.
             * @example ORD-000123
             */
            label: string | null;
            /** @description The number of an order. */
            number?: string;
            /** @description The number of the order that a notification is about. */
            orderNumber?: string;
            /** @description Why, if the event says so. */
            reason?: string;
            /** @description The role that was granted or revoked. */
            role?: string;
            /** @description The SKU of a product. */
            sku?: string;
            /** @description The status of an order, a notification or an import. */
            status?: string;
            /** @description The stock of a product after a movement. */
            stock?: number;
            /** @description The total of an order. */
            total?: string;
        };
        /** @description Who caused it: a user, a service or the system. Null if the event does not say. `displayName` is null in a redacted event. */
        EventActor: {
            displayName: string | null;
            id: string;
        } | null;
        EventChange: {
            /**
             * @description The name of the field; a dot leads into `address`, `metadata` and other objects.
             * @example address.city
             */
            field: string;
            /** @description A text, a number, a boolean, null or a list of those. A text longer than 200 characters is cut and ends with `…`; a list ends after 50 items. Objects in a list, and objects in objects, are shown as JSON. */
            from: unknown;
            /** @description A text, a number, a boolean, null or a list of those. A text longer than 200 characters is cut and ends with `…`; a list ends after 50 items. Objects in a list, and objects in objects, are shown as JSON. */
            to: unknown;
        };
        EventFeed: {
            data: components["schemas"]["NumberedEvent"][];
            page: {
                /** @description Whether there are more events already. */
                hasMore: boolean;
                limit: number;
                /**
                 * @description Where the next page begins: the `seq` up to which the feed has been read. Ask again with it, also after an empty page.
                 * @example 48211
                 */
                nextCursor: string;
            };
        };
        ExportResult: {
            bytes: number;
            rows: number;
            /** @description The SHA-256 of the file, in hexadecimal. */
            sha256: string;
        };
        FeedGoneProblem: {
            /** @constant */
            code: "gone";
            /** @description The `seq` of the newest event. */
            newest: number;
            /** @description The oldest event in the feed, and when it was recorded. Null if there is none. */
            oldest: {
                at: string | null;
                seq: number | null;
            };
        } & {
            [key: string]: unknown;
        };
        /**
         * @description - `required`: The field is missing.
         *     - `unknown_field`: There is no such field, or it cannot be set.
         *     - `read_only`: The field cannot be changed. Leave it out, or send the value that the resource has.
         *     - `invalid_type`: The value has another type.
         *     - `invalid_format`: The text has not the form of such a value, such as an e-mail address.
         *     - `invalid_length`: The text is too short or too long.
         *     - `invalid_value`: The value is none of the allowed ones.
         *     - `invalid_union`: The value is none of the allowed alternatives.
         *     - `invalid_key`: A key of the object is not valid.
         *     - `invalid_element`: An element of the list is not valid.
         *     - `not_multiple_of`: The number is not a multiple of the step.
         *     - `too_small`: The value is too small or too short.
         *     - `too_big`: The value is too large or too long.
         *     - `too_many`: There are too many values, fields or files.
         *     - `empty`: There must be at least one value, and a file must have content.
         *     - `custom`: The value breaks the rule that the message names.
         *     - `invalid`: The value breaks the rule that the message names.
         *     - `invalid_json`: The text is not valid JSON.
         *     - `invalid_parameter`: The parameter is not valid.
         *     - `unknown_parameter`: There is no such parameter.
         *     - `repeated`: The parameter or field is given more than once.
         *     - `conflict`: The value conflicts with another field of the request.
         *     - `mismatch`: The value differs from that in the path.
         *     - `taken`: Another resource has this value.
         *     - `not_found`: There is no such resource.
         *     - `not_available`: The product cannot be ordered.
         *     - `in_trash`: The resource is in the trash. Restore it first.
         *     - `unknown_media`: There is no such image.
         *     - `not_own`: The value belongs to somebody else.
         *     - `unavailable`: This installation does not offer it.
         *     - `weak_password`: The password does not follow the policy.
         *     - `price_changed`: The price or the total is another one now.
         *     - `needs_admin`: Only users with the role admin can set the field.
         *     - `stock_short`: The stock is less than requested.
         *     - `other_currency`: The products have another currency.
         *     - `unknown_currency`: There is no such currency.
         *     - `too_many_decimals`: The amount has more decimals than its currency.
         *     - `needs_price`: The currency can change only together with the price.
         *     - `undecodable`: The image cannot be read.
         *     - `too_many_pixels`: The image has too many pixels.
         *     - `too_complex`: The file takes too much time or memory to read.
         *     - `too_large`: The file is larger than allowed.
         *     - `unsupported_media_type`: The file has a type that is not accepted.
         *     - `unknown_format`: The format of the file is not known.
         *     - `unknown_charset`: The character encoding is not known.
         *     - `wrong_encoding`: The file or field has another character encoding than it says. Fields of forms are UTF-8.
         *     - `bad_gzip`: The file is not valid gzip.
         *     - `unexpected_end`: The file ends too early.
         *     - `bad_archive`: The workbook or archive is damaged.
         *     - `several_tables`: The archive has more than one table.
         *     - `unknown_sheet`: The workbook has no such sheet.
         *     - `unclosed_quote`: A quoted cell of the file has no end.
         *     - `row_too_long`: A row of the file is too long.
         *     - `no_columns`: The file has no columns.
         *     - `too_many_columns`: The file has too many columns.
         *     - `bad_header`: The name of a column has a control character.
         *     - `unknown_column`: The file has no such column.
         * @enum {string}
         */
        FieldErrorCode: "required" | "unknown_field" | "read_only" | "invalid_type" | "invalid_format" | "invalid_length" | "invalid_value" | "invalid_union" | "invalid_key" | "invalid_element" | "not_multiple_of" | "too_small" | "too_big" | "too_many" | "empty" | "custom" | "invalid" | "invalid_json" | "invalid_parameter" | "unknown_parameter" | "repeated" | "conflict" | "mismatch" | "taken" | "not_found" | "not_available" | "in_trash" | "unknown_media" | "not_own" | "unavailable" | "weak_password" | "price_changed" | "needs_admin" | "stock_short" | "other_currency" | "unknown_currency" | "too_many_decimals" | "needs_price" | "undecodable" | "too_many_pixels" | "too_complex" | "too_large" | "unsupported_media_type" | "unknown_format" | "unknown_charset" | "wrong_encoding" | "bad_gzip" | "unexpected_end" | "bad_archive" | "several_tables" | "unknown_sheet" | "unclosed_quote" | "row_too_long" | "no_columns" | "too_many_columns" | "bad_header" | "unknown_column";
        /** @enum {string} */
        Formulas: "escape" | "keep";
        Import: {
            /** @description The size of the file after decompression, as UTF-8. */
            bytes: number;
            columns: string[];
            country: string | null;
            /** @description The counts of the commit or, before the commit, of the dry run. */
            counts: components["schemas"]["ImportCounts"];
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            createdBy: components["schemas"]["ActorRef"];
            decimal: components["schemas"]["DecimalMark"];
            delimiter: string | null;
            /** @example utf-8 */
            encoding: string;
            encodingBy: components["schemas"]["EncodingSource"];
            /** @description Why the import as a whole failed, or was cancelled by the system. `owner_lost_access`: the user who ran it was disabled, deleted or lost the role `user`. */
            error: components["schemas"]["JobError"] | null;
            /** @description The first 100 errors. The file at `errorsUrl` has all of them. */
            errors: components["schemas"]["ImportRowError"][];
            /** @description The URL of the error file, which requires an access token. `POST` to the same URL with `-link` at its end creates a link that works without one. */
            errorsUrl: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            expiresAt: string;
            finishedAt: string | null;
            format: components["schemas"]["ImportedFormat"];
            /** @description The number of the row that names the columns; null if there is none, and for JSON. */
            headerRow: number | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            /**
             * Format: uuid
             * @description The id of the latest job of this import: its dry run, commit or undo.
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            jobId: string;
            mapping: {
                [key: string]: string;
            };
            /**
             * @description The match key: a row belongs to the record that has the same value of this field.
             * @example email
             */
            matchBy: string;
            /** @example customers.csv */
            name: string | null;
            /** @description What to do with a row that belongs to an existing record. */
            onMatch: components["schemas"]["OnMatch"];
            /** @description The program whose export the columns are, by which the mapping was suggested; null if none was recognised, and for products. */
            preset: components["schemas"]["ImportPreset"] | null;
            /** @description The id of an earlier import of the same content. */
            previousImportId: string | null;
            progress: number | null;
            /** @description The SHA-256 of the file after decompression, as UTF-8, in hexadecimal. */
            sha256: string;
            /**
             * @description The name of the sheet that was read, if the file is a workbook.
             * @example Customers
             */
            sheet: string | null;
            /** @description The names of all sheets of the workbook, in the order of their tabs. */
            sheets: string[];
            status: components["schemas"]["ImportStatus"];
            tags: components["schemas"]["TagsMode"];
            /** @description The number of rows in the file; null until the dry run has finished. */
            total: number | null;
            /** @description The columns that are not imported. */
            unmapped: string[];
            /** @description What to look at before the commit. */
            warnings: components["schemas"]["ImportWarning"][];
        };
        ImportCommit: {
            /** @description Whether to import the file even if the same content was imported before. Default: false. */
            again?: boolean;
            /**
             * @description The country of telephone numbers without a country code, for rows that have no country of their own. Default: that of the shop.
             * @example DE
             */
            country?: string;
            /** @description The decimal mark of numbers in text. The other one separates thousands. Default: `point`. */
            decimal?: components["schemas"]["DecimalMark"];
            /**
             * @example {
             *       "First name": "name",
             *       "Mail": "email",
             *       "Notes": null
             *     }
             */
            mapping?: {
                [key: string]: string | null;
            };
            /** @description The match key: a row belongs to the record that has the same value of this field. */
            matchBy?: string;
            /** @description What to do with a row that belongs to an existing record. */
            onMatch?: components["schemas"]["OnMatch"];
            /** @description The program that exported the customers; `none` for none. The mapping is suggested again by it, unless there is a `mapping` here. */
            preset?: components["schemas"]["ImportPresetChoice"];
            /** @description Whether the tags of a row replace those of an existing customer or are added. Default: `replace`. */
            tags?: components["schemas"]["TagsMode"];
        };
        ImportCounts: {
            created: number;
            failed: number;
            read: number;
            skipped: number;
            updated: number;
        };
        /** @enum {string} */
        ImportedFormat: "csv" | "json" | "ndjson" | "xlsx" | "vcard";
        ImportForm: {
            /**
             * @description The country of telephone numbers without a country code, for rows that have no country of their own. Default: that of the shop.
             * @example DE
             */
            country?: string;
            /** @description The decimal mark of numbers in text. The other one separates thousands. Default: `point`. */
            decimal?: components["schemas"]["DecimalMark"];
            /** @description The character that separates the cells of CSV. Default: detected. */
            delimiter?: string;
            /** @description The character encoding, such as `windows-1252`. Default: detected. */
            encoding?: string;
            /**
             * Format: binary
             * @description A file in CSV, JSON, NDJSON or XLSX, or for customers contacts (vCard). It may be compressed with gzip, or be the only table of a ZIP archive.
             */
            file: Blob;
            /** @description The format of the file. Default: detected from the content. */
            format?: components["schemas"]["TableFormat"];
            /** @description Whether the first row of a CSV file or a sheet, after the rows to `skip`, names the columns. Default: detected. */
            header?: boolean;
            /** @description A JSON object from columns to fields, such as `{"Mail":"email"}`. Default: suggested from the names of the columns. */
            mapping?: string;
            /** @description The match key: a row belongs to the record that has the same value of this field. Default: `id` or `code` if all values of such a column are ours in form; otherwise `email` for customers, `sku` for products. */
            matchBy?: string;
            /** @description The file name to show. */
            name?: string;
            /** @description What to do with a row that belongs to an existing record. Default: `update`. */
            onMatch?: components["schemas"]["OnMatch"];
            /** @description The program that exported the customers, by which the mapping is suggested; `none` for none. Default: recognised by the columns. */
            preset?: components["schemas"]["ImportPresetChoice"];
            /** @description The name of the sheet of a workbook, or its number from 1. Default: the first one that is not hidden. */
            sheet?: string;
            /** @description The number of rows above the table in a CSV file or a sheet, such as the title of a report. Default: detected. */
            skip?: number;
            /** @description Whether the tags of a row replace those of an existing customer or are added. Default: `replace`. */
            tags?: components["schemas"]["TagsMode"];
        };
        ImportPage: {
            data: components["schemas"]["Import"][];
            page: components["schemas"]["PageInfo"];
        };
        ImportPatch: {
            /**
             * @description The country of telephone numbers without a country code, for rows that have no country of their own. Default: that of the shop.
             * @example DE
             */
            country?: string;
            /** @description The decimal mark of numbers in text. The other one separates thousands. Default: `point`. */
            decimal?: components["schemas"]["DecimalMark"];
            /**
             * @example {
             *       "First name": "name",
             *       "Mail": "email",
             *       "Notes": null
             *     }
             */
            mapping?: {
                [key: string]: string | null;
            };
            /** @description The match key: a row belongs to the record that has the same value of this field. */
            matchBy?: string;
            /** @description What to do with a row that belongs to an existing record. */
            onMatch?: components["schemas"]["OnMatch"];
            /** @description The program that exported the customers; `none` for none. The mapping is suggested again by it, unless there is a `mapping` here. */
            preset?: components["schemas"]["ImportPresetChoice"];
            /** @description Whether the tags of a row replace those of an existing customer or are added. Default: `replace`. */
            tags?: components["schemas"]["TagsMode"];
        };
        /** @enum {string} */
        ImportPreset: "bigcommerce" | "brevo" | "google-contacts" | "hubspot" | "klaviyo" | "magento" | "mailchimp" | "outlook" | "pipedrive" | "prestashop" | "quickbooks" | "salesforce" | "shopify" | "square" | "stripe" | "thunderbird" | "wix" | "woocommerce" | "xero" | "zoho";
        /** @enum {string} */
        ImportPresetChoice: "bigcommerce" | "brevo" | "google-contacts" | "hubspot" | "klaviyo" | "magento" | "mailchimp" | "outlook" | "pipedrive" | "prestashop" | "quickbooks" | "salesforce" | "shopify" | "square" | "stripe" | "thunderbird" | "wix" | "woocommerce" | "xero" | "zoho" | "none";
        ImportPreview: {
            rows: {
                errors: components["schemas"]["ImportRowError"][];
                /** @enum {string} */
                outcome: "created" | "updated" | "skipped" | "failed";
                row: number;
                /** @description The fields that the row sets, as a request would; empty if the row is not valid. */
                values: {
                    [key: string]: unknown;
                };
            }[];
        };
        ImportRowError: {
            code: string;
            message: string;
            /**
             * @description A JSON pointer to the field; empty if the error is about the whole row.
             * @example /email
             */
            pointer: string;
            row: number;
        };
        /** @enum {string} */
        ImportStatus: "checking" | "checked" | "importing" | "finished" | "failed" | "cancelled" | "undoing" | "undone";
        ImportWarning: {
            /** @example encoding_guessed */
            code: string;
            /** @description The column that the warning is about. */
            column: string | null;
            message: string;
        };
        InstallationConfig: {
            customers: {
                /**
                 * @example [
                 *       "name",
                 *       "surname"
                 *     ]
                 */
                requiredFields: ("name" | "surname" | "email" | "phone")[];
            };
            features: {
                /**
                 * @description Whether `/docs` and `/openapi.json` are served
                 * @example true
                 */
                docs: boolean;
                /**
                 * @description Whether mails are sent: password resets, invitations
                 * @example true
                 */
                mail: boolean;
                /**
                 * @description Whether `POST /v1/auth/login` is on
                 * @example true
                 */
                passwordLogin: boolean;
                /**
                 * @description Whether `POST /v1/auth/signup` is on
                 * @example true
                 */
                signup: boolean;
            };
            limits: {
                /**
                 * @description Items of a batch
                 * @example 500
                 */
                batchItems: number;
                /**
                 * @description Bytes of a JSON body. Most operations allow less: `x-max-body-bytes`
                 * @example 1000000
                 */
                bodyBytes: number;
                /**
                 * @description Bytes of a file of customers to import
                 * @example 500000000
                 */
                importBytes: number;
                /**
                 * @description Rows of a page
                 * @example 200
                 */
                pageSize: number;
                /**
                 * @description Bytes of a photo
                 * @example 20971520
                 */
                uploadBytes: number;
            };
            /** @constant */
            name: "Clientele";
            orders: {
                /**
                 * @description Whether an order needs `customerId`
                 * @example false
                 */
                customerRequired: boolean;
            };
            shop: {
                /**
                 * @description ISO 3166-1. The country of telephone numbers without `+`. Null: they need the `+`
                 * @example KE
                 */
                country: string | null;
                /**
                 * @description ISO 4217. The default of products and orders
                 * @example KES
                 */
                currency: string;
                /**
                 * @description A BCP 47 tag
                 * @example en
                 */
                locale: string;
                /** @example Corner Shop */
                name: string;
                /**
                 * @description A name of the IANA time zone database
                 * @example Africa/Nairobi
                 */
                timeZone: string;
            };
            /**
             * @description The release
             * @example 0.1.0
             */
            version: string;
        };
        InsufficientStockProblem: {
            code: components["schemas"]["ProblemCode"];
            detail?: string;
            errors: ({
                available: number;
                code: components["schemas"]["FieldErrorCode"];
                message: string;
                parameter?: string;
                pointer?: string;
                requested: number;
            } & {
                [key: string]: unknown;
            })[];
            instance?: string;
            requestId?: string;
            status: number;
            title: string;
            /** @example /problems/not-found */
            type: string;
        } & {
            [key: string]: unknown;
        };
        Job: {
            /**
             * @example {
             *       "read": 1200,
             *       "created": 1000,
             *       "failed": 3
             *     }
             */
            counts: {
                [key: string]: number;
            };
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            createdBy: components["schemas"]["ActorRef"];
            /** @description Why the job failed, or was cancelled by the system. Null if a user cancelled it. `owner_lost_access`: its owner was disabled, deleted or lost the role `user`; what it had done stays. */
            error: components["schemas"]["JobError"] | null;
            /** @description The URL of the list of rows that failed, which requires an access token, as for `resultUrl`. */
            errorsUrl: string | null;
            expiresAt: string | null;
            finishedAt: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            /** @example import */
            kind: string;
            /** @description The fraction of the work that is done; null if unknown. */
            progress: number | null;
            /** @description The file of an export that has succeeded; null for other jobs. */
            result: components["schemas"]["ExportResult"] | null;
            /** @description The URL of the file that the job wrote, which requires an access token. `POST` to the same URL with `-link` at its end creates a link that works without one. */
            resultUrl: string | null;
            startedAt: string | null;
            status: components["schemas"]["JobStatus"];
        };
        JobError: {
            code: string;
            message: string;
        };
        JobFileLink: {
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            expiresAt: string;
            url: string;
        };
        JobPage: {
            data: components["schemas"]["Job"][];
            page: components["schemas"]["PageInfo"];
        };
        /** @enum {string} */
        JobStatus: "queued" | "running" | "cancelling" | "succeeded" | "failed" | "cancelled";
        Login: {
            /** @description The `deviceToken` of an earlier sign-in of this user on this device. With it, failed sign-ins from elsewhere do not lock the user out. An invalid one is ignored. */
            deviceToken?: string;
            /**
             * Format: password
             * @example correct horse battery
             */
            password: string;
            /**
             * @description The current one-time code, if the account has an authenticator app as its second factor.
             * @example 123456
             */
            totp?: string;
            username: string;
        };
        Media: {
            bytes: number;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            createdBy: components["schemas"]["ActorRef"];
            height: number;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            /** @example image/jpeg */
            mimeType: string;
            /** @description What the uploader should know about the image; mostly empty. */
            notes: {
                code: components["schemas"]["MediaNoteCode"];
                /** @example The file lacked its end, although the picture is whole. It may have been cut off on its way. */
                message: string;
            }[];
            /** @description The SHA-256 of the stored original, in hexadecimal. */
            sha256: string;
            /**
             * @description A signed link. It works without a token until it expires, and stays the same for half of that time.
             * @example /v1/media/0190a5c4-6f00-7000-8000-000000000001/content?variant=thumb&expires=1795168800&signature=c2lnbmVk
             */
            url: string;
            variants: {
                /**
                 * @description A signed link. It works without a token until it expires, and stays the same for half of that time.
                 * @example /v1/media/0190a5c4-6f00-7000-8000-000000000001/content?variant=thumb&expires=1795168800&signature=c2lnbmVk
                 */
                medium: string;
                /**
                 * @description A signed link. It works without a token until it expires, and stays the same for half of that time.
                 * @example /v1/media/0190a5c4-6f00-7000-8000-000000000001/content?variant=thumb&expires=1795168800&signature=c2lnbmVk
                 */
                thumb: string;
            };
            version: number;
            width: number;
        };
        /** @enum {string} */
        MediaNoteCode: "end_missing" | "reduced";
        MediaTooLargeProblem: {
            /** @constant */
            code: "too_large";
            /** @description The maximum size of a file in bytes. */
            limit: number;
        } & {
            [key: string]: unknown;
        };
        MediaUpload: {
            /**
             * Format: binary
             * @description A JPEG, PNG, WebP, AVIF or GIF image. The field may also be named `photo` or `picture`.
             */
            file: Blob;
        };
        /** @enum {string} */
        MediaVariant: "original" | "medium" | "thumb";
        NewCustomer: {
            address?: components["schemas"]["Address"] | null;
            email?: string | null;
            /**
             * @description The id of the customer in your own system. It is unique among customers that are not in the trash. It must not contain `/` or `\`, because paths name the customer by it.
             * @example shop-17
             */
            externalId?: string | null;
            locale?: string | null;
            metadata?: {
                [key: string]: string | number | boolean | null;
            } | null;
            /** @example Ana */
            name: string;
            phone?: string | null;
            /** @description The id of an image that was uploaded with `POST /v1/media`. A PUT without it keeps the photo; null removes it. */
            photoMediaId?: string | null;
            smsOptOut?: boolean | null;
            /** @example Lovelace */
            surname: string;
            tags?: string[] | null;
        };
        NewCustomerBulkChange: components["schemas"]["CustomerBulkTag"] | components["schemas"]["CustomerBulkUpdate"] | components["schemas"]["CustomerBulkDelete"] | components["schemas"]["CustomerBulkRestore"];
        NewCustomerExport: {
            /** @description Whether CSV begins with a byte order mark, which Excel needs. Default: false. */
            bom?: boolean;
            /**
             * @description The character that separates the cells of CSV. Default: a comma.
             * @enum {string}
             */
            delimiter?: "," | ";" | "\t" | "|";
            /** @description The fields to export, in this order. Default: all fields. */
            fields?: ("id" | "code" | "externalId" | "name" | "surname" | "email" | "phone" | "photoMediaId" | "tags" | "userId" | "address" | "locale" | "smsOptOut" | "metadata" | "createdAt" | "createdBy" | "updatedAt" | "updatedBy" | "version" | "deletedAt")[];
            /** @description The query parameters of the list, except those of paging. */
            filter?: {
                /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
                "address.city"?: string;
                /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
                "address.country"?: string;
                /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
                "address.postalCode"?: string;
                /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
                "address.region"?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                code?: string;
                /** @description Contains the text, in upper or lower case. */
                "code[contains]"?: string;
                /** @description Whether there is a value. */
                "code[exists]"?: boolean;
                /** @description Greater than the value. */
                "code[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "code[gte]"?: string;
                /** @description Less than the value. */
                "code[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "code[lte]"?: string;
                /** @description Not equal to the value. */
                "code[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "code[startsWith]"?: string;
                /**
                 * Format: date-time
                 * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
                 */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /**
                 * Format: date-time
                 * @description Greater than the value.
                 */
                "createdAt[gt]"?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value or equal to it.
                 */
                "createdAt[gte]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value.
                 */
                "createdAt[lt]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value or equal to it.
                 */
                "createdAt[lte]"?: string;
                /**
                 * Format: date-time
                 * @description Not equal to the value.
                 */
                "createdAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user. */
                createdBy?: string[];
                /** @description Whether there is a value. */
                "createdBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "createdBy[ne]"?: string[];
                /**
                 * Format: date-time
                 * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
                 */
                deletedAt?: string;
                /** @description Whether there is a value. */
                "deletedAt[exists]"?: boolean;
                /**
                 * Format: date-time
                 * @description Greater than the value.
                 */
                "deletedAt[gt]"?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value or equal to it.
                 */
                "deletedAt[gte]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value.
                 */
                "deletedAt[lt]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value or equal to it.
                 */
                "deletedAt[lte]"?: string;
                /**
                 * Format: date-time
                 * @description Not equal to the value.
                 */
                "deletedAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user, who created or ever changed the customer. */
                editedBy?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                email?: string;
                /** @description Contains the text, in upper or lower case. */
                "email[contains]"?: string;
                /** @description Whether there is a value. */
                "email[exists]"?: boolean;
                /** @description Not equal to the value. */
                "email[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "email[startsWith]"?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                externalId?: string;
                /** @description Contains the text, in upper or lower case. */
                "externalId[contains]"?: string;
                /** @description Whether there is a value. */
                "externalId[exists]"?: boolean;
                /** @description Not equal to the value. */
                "externalId[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "externalId[startsWith]"?: string;
                /** @description `true` or `false`. */
                hasPhoto?: boolean;
                /**
                 * @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out.
                 * @example [
                 *       "0190a5c4-6f00-7000-8000-000000000001",
                 *       "0190a5c4-6f00-7000-8000-000000000002"
                 *     ]
                 */
                id?: string[];
                /** @description Values by key, such as `metadata[source]=fair`; `metadata.source=fair` means the same. Texts are compared exactly, also in upper and lower case; a number, `true` and `false` also match the text. Separate alternatives with commas; write a comma in a value as `\,`. */
                metadata?: {
                    [key: string]: string;
                };
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                name?: string;
                /** @description Contains the text, in upper or lower case. */
                "name[contains]"?: string;
                /** @description Whether there is a value. */
                "name[exists]"?: boolean;
                /** @description Greater than the value. */
                "name[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "name[gte]"?: string;
                /** @description Less than the value. */
                "name[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "name[lte]"?: string;
                /** @description Not equal to the value. */
                "name[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "name[startsWith]"?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                phone?: string;
                /** @description Contains the text, in upper or lower case. */
                "phone[contains]"?: string;
                /** @description Whether there is a value. */
                "phone[exists]"?: boolean;
                /** @description Not equal to the value. */
                "phone[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "phone[startsWith]"?: string;
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. If nothing is found, a word of four letters or more may have one typing error; `page.matchedBy` then is `similar`. */
                q?: string;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("createdAt" | "-createdAt" | "updatedAt" | "-updatedAt" | "surname" | "-surname" | "name" | "-name" | "code" | "-code" | "relevance")[];
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                surname?: string;
                /** @description Contains the text, in upper or lower case. */
                "surname[contains]"?: string;
                /** @description Whether there is a value. */
                "surname[exists]"?: boolean;
                /** @description Greater than the value. */
                "surname[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "surname[gte]"?: string;
                /** @description Less than the value. */
                "surname[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "surname[lte]"?: string;
                /** @description Not equal to the value. */
                "surname[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "surname[startsWith]"?: string;
                /** @description A value that must occur. Separate alternatives with commas. */
                tag?: string;
                /** @description Whether there is a value. */
                "tag[exists]"?: boolean;
                /** @description Not equal to the value. */
                "tag[ne]"?: string;
                /**
                 * Format: date-time
                 * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
                 */
                updatedAt?: string;
                /** @description Whether there is a value. */
                "updatedAt[exists]"?: boolean;
                /**
                 * Format: date-time
                 * @description Greater than the value.
                 */
                "updatedAt[gt]"?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value or equal to it.
                 */
                "updatedAt[gte]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value.
                 */
                "updatedAt[lt]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value or equal to it.
                 */
                "updatedAt[lte]"?: string;
                /**
                 * Format: date-time
                 * @description Not equal to the value.
                 */
                "updatedAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user. */
                updatedBy?: string[];
                /** @description Whether there is a value. */
                "updatedBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "updatedBy[ne]"?: string[];
            } & {
                [key: string]: unknown;
            };
            /** @description The format of the file. Default: `csv`. */
            format?: components["schemas"]["TableFormat"];
            /** @description What happens in CSV to texts that a spreadsheet would run as formulas, telephone numbers with + included. `escape` puts an apostrophe in front. `keep` writes them as they are, for programs only: the texts of customers then run in a spreadsheet. Default: `escape`. */
            formulas?: components["schemas"]["Formulas"];
            /** @description Whether to compress the file. XLSX is compressed in any case. Default: false. */
            gzip?: boolean;
        };
        NewCustomerForm: {
            /** @description The address as JSON, or fields such as `address[city]`. */
            address?: string;
            email?: string | null;
            /**
             * @description The id of the customer in your own system. It is unique among customers that are not in the trash. It must not contain `/` or `\`, because paths name the customer by it.
             * @example shop-17
             */
            externalId?: string | null;
            locale?: string | null;
            /** @description The metadata as JSON, or fields such as `metadata[floor]`. */
            metadata?: string;
            /** @example Ana */
            name: string;
            phone?: string | null;
            /**
             * Format: binary
             * @description A JPEG, PNG, WebP, AVIF or GIF image.
             */
            photo?: Blob;
            /** @description The id of an image that was uploaded with `POST /v1/media`. A PUT without it keeps the photo; null removes it. */
            photoMediaId?: string | null;
            /**
             * Format: binary
             * @description The old name of `photo`.
             */
            picture?: Blob;
            smsOptOut?: boolean | null;
            /** @example Lovelace */
            surname: string;
            /** @description The field is repeated for each tag. A field may also have several, separated by commas. */
            tags?: string[];
        };
        NewOrder: {
            /**
             * @description It must be the currency of the products. Default: the currency of the products, or of the shop if there are none.
             * @example EUR
             */
            currency?: string;
            customerId?: string | null;
            /**
             * @description The total that the buyer has seen. If it is another one, no order is placed: 409 `price_changed`.
             * @example 56000.68
             */
            expectedTotal?: string | number;
            lines: components["schemas"]["NewOrderLine"][];
            metadata?: {
                [key: string]: string | number | boolean | null;
            } | null;
            note?: string | null;
        };
        NewOrderExport: {
            /** @description Whether CSV begins with a byte order mark, which Excel needs. Default: false. */
            bom?: boolean;
            /**
             * @description The character that separates the cells of CSV. Default: a comma.
             * @enum {string}
             */
            delimiter?: "," | ";" | "\t" | "|";
            /** @description The fields to export, in this order. Default: all fields. */
            fields?: ("id" | "number" | "customerId" | "customer" | "status" | "lines" | "total" | "currency" | "note" | "metadata" | "placedAt" | "fulfilledAt" | "cancelledAt" | "createdBy" | "updatedAt" | "updatedBy" | "version")[];
            /** @description The query parameters of the list, except those of paging. */
            filter?: {
                /** @description The id of a user, or `me` for the signed-in user. */
                createdBy?: string[];
                /** @description Whether there is a value. */
                "createdBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "createdBy[ne]"?: string[];
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                currency?: string;
                /** @description Contains the text, in upper or lower case. */
                "currency[contains]"?: string;
                /** @description Whether there is a value. */
                "currency[exists]"?: boolean;
                /** @description Not equal to the value. */
                "currency[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "currency[startsWith]"?: string;
                /** @description A UUID. */
                customerId?: string[];
                /** @description Whether there is a value. */
                "customerId[exists]"?: boolean;
                /** @description Not equal to the value. */
                "customerId[ne]"?: string[];
                /**
                 * @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out.
                 * @example [
                 *       "0190a5c4-6f00-7000-8000-000000000001",
                 *       "0190a5c4-6f00-7000-8000-000000000002"
                 *     ]
                 */
                id?: string[];
                /** @description An order number, such as `ORD-000123`. */
                number?: string[];
                /**
                 * @description Greater than the value.
                 * @example ORD-000123
                 */
                "number[gt]"?: string;
                /**
                 * @description Greater than the value or equal to it.
                 * @example ORD-000123
                 */
                "number[gte]"?: string;
                /**
                 * @description Less than the value.
                 * @example ORD-000123
                 */
                "number[lt]"?: string;
                /**
                 * @description Less than the value or equal to it.
                 * @example ORD-000123
                 */
                "number[lte]"?: string;
                /** @description Not equal to the value. */
                "number[ne]"?: string[];
                /**
                 * Format: date-time
                 * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
                 */
                placedAt?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value.
                 */
                "placedAt[gt]"?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value or equal to it.
                 */
                "placedAt[gte]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value.
                 */
                "placedAt[lt]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value or equal to it.
                 */
                "placedAt[lte]"?: string;
                /** @description The id of a product in the order. */
                productId?: string[];
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. */
                q?: string;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-placedAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("placedAt" | "-placedAt" | "updatedAt" | "-updatedAt" | "total" | "-total" | "number" | "-number" | "relevance")[];
                /** @description One of `placed`, `fulfilled`, `cancelled`. */
                status?: components["schemas"]["OrderStatus"][];
                /** @description Not equal to the value. */
                "status[ne]"?: components["schemas"]["OrderStatus"][];
                /** @description A number. */
                total?: number;
                /** @description Whether there is a value. */
                "total[exists]"?: boolean;
                /** @description Greater than the value. */
                "total[gt]"?: number;
                /** @description Greater than the value or equal to it. */
                "total[gte]"?: number;
                /** @description Less than the value. */
                "total[lt]"?: number;
                /** @description Less than the value or equal to it. */
                "total[lte]"?: number;
                /** @description Not equal to the value. */
                "total[ne]"?: number;
                /**
                 * Format: date-time
                 * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
                 */
                updatedAt?: string;
                /** @description Whether there is a value. */
                "updatedAt[exists]"?: boolean;
                /**
                 * Format: date-time
                 * @description Greater than the value.
                 */
                "updatedAt[gt]"?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value or equal to it.
                 */
                "updatedAt[gte]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value.
                 */
                "updatedAt[lt]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value or equal to it.
                 */
                "updatedAt[lte]"?: string;
                /**
                 * Format: date-time
                 * @description Not equal to the value.
                 */
                "updatedAt[ne]"?: string;
            } & {
                [key: string]: unknown;
            };
            /** @description The format of the file. Default: `csv`. */
            format?: components["schemas"]["TableFormat"];
            /** @description What happens in CSV to texts that a spreadsheet would run as formulas, telephone numbers with + included. `escape` puts an apostrophe in front. `keep` writes them as they are, for programs only: the texts of customers then run in a spreadsheet. Default: `escape`. */
            formulas?: components["schemas"]["Formulas"];
            /** @description Whether to compress the file. XLSX is compressed in any case. Default: false. */
            gzip?: boolean;
        };
        /** @description Either a product: `productId` and `quantity`, and optionally `expectedPrice` and an agreed `unitPrice`; or free text: `description`, `unitPrice` and optionally `quantity` (default 1). */
        NewOrderLine: components["schemas"]["NewProductLine"] | components["schemas"]["NewTextLine"];
        NewProduct: {
            /** @description Whether the product can be ordered. Default: true. */
            active?: boolean;
            /**
             * @description Default: the currency of the shop.
             * @example EUR
             */
            currency?: string;
            description?: string | null;
            /** @description When the stock falls to this value or below, the event `product.stock_low.v1` is published. */
            lowStockAt?: (number | string) | null;
            /** @example Red Bull 250 ml */
            name: string;
            /** @description The id of an image that was uploaded with `POST /v1/media`. A PUT without it keeps the photo; null removes it. */
            photoMediaId?: string | null;
            /** @example 56000.68 */
            price: string | number;
            /** @description Your own number of the product. It is unique among products that are not in the trash. It must not contain `/` or `\`, because paths name the product by it. */
            sku?: string | null;
            /**
             * @description The quantity in stock, up to 1000000000. A change becomes a stock movement. If orders or other movements have changed the stock since it was last set, a change needs `If-Match` (otherwise 428), because it would put back what was sold since the product was read.
             * @example 100
             */
            stock?: number | string;
        };
        NewProductExport: {
            /** @description Whether CSV begins with a byte order mark, which Excel needs. Default: false. */
            bom?: boolean;
            /**
             * @description The character that separates the cells of CSV. Default: a comma.
             * @enum {string}
             */
            delimiter?: "," | ";" | "\t" | "|";
            /** @description The fields to export, in this order. Default: all fields. */
            fields?: ("id" | "sku" | "name" | "description" | "price" | "currency" | "stock" | "lowStockAt" | "active" | "photoMediaId" | "createdAt" | "createdBy" | "updatedAt" | "updatedBy" | "deletedAt" | "version")[];
            /** @description The query parameters of the list, except those of paging. */
            filter?: {
                /** @description `true` or `false`. */
                active?: boolean;
                /** @description Whether there is a value. */
                "active[exists]"?: boolean;
                /** @description Not equal to the value. */
                "active[ne]"?: boolean;
                /**
                 * Format: date-time
                 * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
                 */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /**
                 * Format: date-time
                 * @description Greater than the value.
                 */
                "createdAt[gt]"?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value or equal to it.
                 */
                "createdAt[gte]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value.
                 */
                "createdAt[lt]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value or equal to it.
                 */
                "createdAt[lte]"?: string;
                /**
                 * Format: date-time
                 * @description Not equal to the value.
                 */
                "createdAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user. */
                createdBy?: string[];
                /** @description Whether there is a value. */
                "createdBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "createdBy[ne]"?: string[];
                /**
                 * Format: date-time
                 * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
                 */
                deletedAt?: string;
                /** @description Whether there is a value. */
                "deletedAt[exists]"?: boolean;
                /**
                 * Format: date-time
                 * @description Greater than the value.
                 */
                "deletedAt[gt]"?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value or equal to it.
                 */
                "deletedAt[gte]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value.
                 */
                "deletedAt[lt]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value or equal to it.
                 */
                "deletedAt[lte]"?: string;
                /**
                 * Format: date-time
                 * @description Not equal to the value.
                 */
                "deletedAt[ne]"?: string;
                /**
                 * @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out.
                 * @example [
                 *       "0190a5c4-6f00-7000-8000-000000000001",
                 *       "0190a5c4-6f00-7000-8000-000000000002"
                 *     ]
                 */
                id?: string[];
                /** @description Another name of `q`. */
                keyword?: string;
                /**
                 * @description `true`: the stock is at or below `lowStockAt`.
                 * @constant
                 */
                low?: true;
                /** @description Another name of `price[lte]`. */
                max_price?: number;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                name?: string;
                /** @description Contains the text, in upper or lower case. */
                "name[contains]"?: string;
                /** @description Whether there is a value. */
                "name[exists]"?: boolean;
                /** @description Greater than the value. */
                "name[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "name[gte]"?: string;
                /** @description Less than the value. */
                "name[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "name[lte]"?: string;
                /** @description Not equal to the value. */
                "name[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "name[startsWith]"?: string;
                /** @description A number. */
                price?: number;
                /** @description Whether there is a value. */
                "price[exists]"?: boolean;
                /** @description Greater than the value. */
                "price[gt]"?: number;
                /** @description Greater than the value or equal to it. */
                "price[gte]"?: number;
                /** @description Less than the value. */
                "price[lt]"?: number;
                /** @description Less than the value or equal to it. */
                "price[lte]"?: number;
                /** @description Not equal to the value. */
                "price[ne]"?: number;
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. If nothing is found, a word of four letters or more may have one typing error; `page.matchedBy` then is `similar`. */
                q?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                sku?: string;
                /** @description Contains the text, in upper or lower case. */
                "sku[contains]"?: string;
                /** @description Whether there is a value. */
                "sku[exists]"?: boolean;
                /** @description Greater than the value. */
                "sku[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "sku[gte]"?: string;
                /** @description Less than the value. */
                "sku[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "sku[lte]"?: string;
                /** @description Not equal to the value. */
                "sku[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "sku[startsWith]"?: string;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("createdAt" | "-createdAt" | "updatedAt" | "-updatedAt" | "name" | "-name" | "price" | "-price" | "stock" | "-stock" | "sku" | "-sku" | "relevance")[];
                /** @description A whole number. */
                stock?: number;
                /** @description Whether there is a value. */
                "stock[exists]"?: boolean;
                /** @description Greater than the value. */
                "stock[gt]"?: number;
                /** @description Greater than the value or equal to it. */
                "stock[gte]"?: number;
                /** @description Less than the value. */
                "stock[lt]"?: number;
                /** @description Less than the value or equal to it. */
                "stock[lte]"?: number;
                /** @description Not equal to the value. */
                "stock[ne]"?: number;
                /**
                 * Format: date-time
                 * @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC.
                 */
                updatedAt?: string;
                /** @description Whether there is a value. */
                "updatedAt[exists]"?: boolean;
                /**
                 * Format: date-time
                 * @description Greater than the value.
                 */
                "updatedAt[gt]"?: string;
                /**
                 * Format: date-time
                 * @description Greater than the value or equal to it.
                 */
                "updatedAt[gte]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value.
                 */
                "updatedAt[lt]"?: string;
                /**
                 * Format: date-time
                 * @description Less than the value or equal to it.
                 */
                "updatedAt[lte]"?: string;
                /**
                 * Format: date-time
                 * @description Not equal to the value.
                 */
                "updatedAt[ne]"?: string;
            } & {
                [key: string]: unknown;
            };
            /** @description The format of the file. Default: `csv`. */
            format?: components["schemas"]["TableFormat"];
            /** @description What happens in CSV to texts that a spreadsheet would run as formulas, telephone numbers with + included. `escape` puts an apostrophe in front. `keep` writes them as they are, for programs only: the texts of customers then run in a spreadsheet. Default: `escape`. */
            formulas?: components["schemas"]["Formulas"];
            /** @description Whether to compress the file. XLSX is compressed in any case. Default: false. */
            gzip?: boolean;
        };
        NewProductForm: {
            /** @description Whether the product can be ordered. Default: true. */
            active?: boolean;
            /**
             * @description Default: the currency of the shop.
             * @example EUR
             */
            currency?: string;
            description?: string | null;
            /** @description When the stock falls to this value or below, the event `product.stock_low.v1` is published. */
            lowStockAt?: (number | string) | null;
            /** @example Red Bull 250 ml */
            name: string;
            /**
             * Format: binary
             * @description A JPEG, PNG, WebP, AVIF or GIF image.
             */
            photo?: Blob;
            /** @description The id of an image that was uploaded with `POST /v1/media`. A PUT without it keeps the photo; null removes it. */
            photoMediaId?: string | null;
            /**
             * Format: binary
             * @description The old name of `photo`.
             */
            picture?: Blob;
            /** @example 56000.68 */
            price: string | number;
            /** @description Your own number of the product. It is unique among products that are not in the trash. It must not contain `/` or `\`, because paths name the product by it. */
            sku?: string | null;
            /**
             * @description The quantity in stock, up to 1000000000. A change becomes a stock movement. If orders or other movements have changed the stock since it was last set, a change needs `If-Match` (otherwise 428), because it would put back what was sold since the product was read.
             * @example 100
             */
            stock?: number | string;
        };
        NewProductLine: {
            /**
             * @description The price of the product that the buyer has seen. If the product has another one, no order is placed: 409 `price_changed`.
             * @example 56000.68
             */
            expectedPrice?: string | number;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            productId: string;
            /** @example 15 */
            quantity: number;
            /**
             * @description An agreed price instead of the price of the product. Only users with the role `admin` can set it.
             * @example 56000.68
             */
            unitPrice?: string | number;
        };
        NewStockMovement: {
            /** @example 100 */
            delta: number | string;
            /** @example delivery 2026-117 */
            reason: string;
        };
        NewTextLine: {
            description: string;
            /** @example 15 */
            quantity?: number;
            /** @example 56000.68 */
            unitPrice: string | number;
        };
        NewUser: {
            /**
             * Format: email
             * @description An e-mail address, stored in lower case. A domain with other letters than ASCII is accepted and stored in its ASCII form: `bücher.example` as `xn--bcher-kva.example`.
             * @example ana@example.com
             */
            email: string;
            /** @example Ana */
            name?: string;
            /**
             * Format: password
             * @example correct horse battery
             */
            password?: string;
            /** @description Without `roles`, the user gets the role `user`. */
            roles?: components["schemas"]["Role"][];
            sendInvite?: boolean;
            /** @example Lovelace */
            surname?: string;
            /** @example ana */
            username: string;
        };
        NewWebhook: {
            /** @description Whether events are sent. Default: true. */
            active?: boolean;
            /** @example The warehouse */
            description?: string | null;
            /**
             * @description Event types, such as `customer.created.v1`, and kinds, such as `order.*`.
             * @example [
             *       "order.*",
             *       "customer.created.v1"
             *     ]
             */
            events: string[];
            /** @description Whether the events of one subject arrive one after the other: later ones wait until the receiver has accepted the earlier one. Default: false. */
            ordered?: boolean;
            /** @description `full` (the default): the whole event. `reference`: only its id, type, subject, version and time, so that nothing personal leaves the installation. */
            payload?: components["schemas"]["WebhookPayload"];
            /**
             * Format: uri
             * @description Where events are sent by POST: an https URL at a public address, without credentials and fragment. The operator can allow http and private networks.
             * @example https://shop.example.com/hooks/clientele
             */
            url: string;
        };
        NewWebhookReplay: {
            /**
             * Format: date-time
             * @description Events that were recorded from this time on are sent once more.
             * @example 2026-11-20T09:30:00.000Z
             */
            since: string;
            /**
             * @description Only these event types and kinds. Default: those of the webhook.
             * @example [
             *       "order.*",
             *       "customer.created.v1"
             *     ]
             */
            type?: string[];
            /**
             * Format: date-time
             * @description Events that were recorded before this time. Default: now.
             * @example 2026-11-20T09:30:00.000Z
             */
            until?: string;
        };
        Notification: {
            attempts: number;
            /** @description Null until a channel is chosen. */
            channel: components["schemas"]["NotificationChannel"] | null;
            /**
             * @description The price as the provider reports it.
             * @example KES 0.8000
             */
            cost: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            /** @description Null if there is none, if it was purged, or if it is not known to the service yet. */
            customer: components["schemas"]["NotificationServiceCustomerRef"] | null;
            customerId: string | null;
            deliveredAt: string | null;
            /** @description Why it is an e-mail although the customer has a telephone number: `no_sms_provider`, `country_not_allowed`, `number_not_mobile` (the number gets no SMS) or `number_rejected` (by the SMS provider, so an e-mail followed). Otherwise null. */
            fallbackReason: components["schemas"]["NotificationFallback"] | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            locale: string | null;
            orderId: string | null;
            /**
             * @description The number of the order.
             * @example ORD-000123
             */
            orderNumber: string | null;
            /** @example africastalking */
            provider: string | null;
            /**
             * @description Why the notification failed, was skipped or is retried. `order_cancelled`: the order was cancelled before. `no_sms_provider`, `number_not_mobile` and `country_not_allowed`: the customer has a telephone number that gets no SMS, and no e-mail address. `recipient_limit`, `author_limit`, `installation_limit` and `country_not_allowed` name a limit of the installation.
             * @example opted_out
             */
            reason: string | null;
            sentAt: string | null;
            status: components["schemas"]["NotificationStatus"];
            /** @example order-placed */
            template: string;
            /**
             * @description The phone number or e-mail address. Only admins see it whole; for users it is masked.
             * @example +254711***111
             */
            to: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            updatedAt: string;
            version: number;
        };
        /** @enum {string} */
        NotificationChannel: "sms" | "email";
        /** @enum {string} */
        NotificationFallback: "no_sms_provider" | "country_not_allowed" | "number_not_mobile" | "number_rejected";
        NotificationPage: {
            data: components["schemas"]["Notification"][];
            page: components["schemas"]["PageInfo"];
        };
        NotificationServiceAddress: {
            city?: string;
            country?: string;
            postalCode?: string;
            region?: string;
            street?: string;
        };
        /** @description A customer, as other records show it. All fields but `id`, `code` and `displayName` are there only with `include=customer`, and only if the caller may read the customer, it is not in the trash, and customer-service responds in time. */
        NotificationServiceCustomerRef: {
            address?: components["schemas"]["NotificationServiceAddress"] | null;
            /** @example CUS-000123 */
            code: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly createdAt?: string;
            readonly createdBy?: components["schemas"]["ActorRef"];
            /** @description When the customer was moved to the trash; null if it is not in the trash. */
            readonly deletedAt?: string | null;
            /**
             * @description The name and surname as they are now, or the code of a customer without both.
             * @example Ana Lovelace
             */
            displayName: string;
            email?: string | null;
            externalId?: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            locale?: string | null;
            metadata?: {
                [key: string]: unknown;
            };
            name?: string | null;
            /** @description In E.164 format, such as `+254711000111`. */
            phone?: string | null;
            photoMediaId?: string | null;
            /** @description The same link as `photoUrls.medium`. A signed link. It works without a token until it expires, and stays the same for half of that time. */
            readonly photoUrl?: string | null;
            readonly photoUrls?: components["schemas"]["PhotoUrls"] | null;
            smsOptOut?: boolean;
            surname?: string | null;
            tags?: string[];
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly updatedAt?: string;
            readonly updatedBy?: components["schemas"]["ActorRef"];
            /** @description The id of the user that is linked to the customer. */
            readonly userId?: string | null;
            readonly version?: number;
        };
        /** @enum {string} */
        NotificationStatus: "queued" | "sent" | "delivered" | "failed" | "skipped";
        NotificationWithText: {
            attempts: number;
            /** @description Null until a channel is chosen. */
            channel: components["schemas"]["NotificationChannel"] | null;
            /**
             * @description The price as the provider reports it.
             * @example KES 0.8000
             */
            cost: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            /** @description Null if there is none, if it was purged, or if it is not known to the service yet. */
            customer: components["schemas"]["NotificationServiceCustomerRef"] | null;
            customerId: string | null;
            deliveredAt: string | null;
            /** @description Why it is an e-mail although the customer has a telephone number: `no_sms_provider`, `country_not_allowed`, `number_not_mobile` (the number gets no SMS) or `number_rejected` (by the SMS provider, so an e-mail followed). Otherwise null. */
            fallbackReason: components["schemas"]["NotificationFallback"] | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            locale: string | null;
            orderId: string | null;
            /**
             * @description The number of the order.
             * @example ORD-000123
             */
            orderNumber: string | null;
            /** @example africastalking */
            provider: string | null;
            /**
             * @description Why the notification failed, was skipped or is retried. `order_cancelled`: the order was cancelled before. `no_sms_provider`, `number_not_mobile` and `country_not_allowed`: the customer has a telephone number that gets no SMS, and no e-mail address. `recipient_limit`, `author_limit`, `installation_limit` and `country_not_allowed` name a limit of the installation.
             * @example opted_out
             */
            reason: string | null;
            sentAt: string | null;
            status: components["schemas"]["NotificationStatus"];
            /**
             * @description The subject of an e-mail; null for an SMS. It is masked like `text`.
             * @example Your order ORD-000123 at Duka
             */
            subject: string | null;
            /** @example order-placed */
            template: string;
            /**
             * @description The text of the last attempt. Null before the first one, after the customer was purged, and if the text was not kept. Only admins see it whole: for users, each word with a digit, an `@` or `://` is `***`.
             * @example Ana, thank you for your order ***: KES ***. Duka
             */
            text: string | null;
            /**
             * @description The phone number or e-mail address. Only admins see it whole; for users it is masked.
             * @example +254711***111
             */
            to: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            updatedAt: string;
            version: number;
        };
        NumberedEvent: {
            /** @description As the documentation of events describes the type. Absent in a redacted event. */
            data?: {
                [key: string]: unknown;
            };
            id: string;
            /**
             * @description The data was removed because its customer was purged.
             * @constant
             */
            redacted?: true;
            /**
             * @description The number of the event. Numbers grow in the order in which events were recorded, without gaps.
             * @example 48211
             */
            seq: number;
            /** @example /order-service */
            source: string;
            /** @constant */
            specversion: "1.0";
            subject: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            time: string;
            /** @example order.placed.v1 */
            type: string;
        } & {
            [key: string]: unknown;
        };
        /** @enum {string} */
        OnMatch: "update" | "skip" | "fail";
        Order: {
            readonly cancelledAt: string | null;
            readonly createdBy: components["schemas"]["ActorRef"];
            /** @example EUR */
            readonly currency: string;
            /** @description Who the customer is now, also in the trash. Null without a customer, after a purge, and for a moment while the customer is not known yet. */
            readonly customer: components["schemas"]["CustomerRef"] | null;
            /** @description Null if the order was placed without a customer, or the customer was purged. */
            readonly customerId: string | null;
            readonly fulfilledAt: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            readonly id: string;
            readonly lines: components["schemas"]["OrderLine"][];
            metadata: {
                [key: string]: unknown;
            };
            note: string | null;
            /**
             * @description Later orders have greater numbers. There may be gaps.
             * @example ORD-000123
             */
            readonly number: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly placedAt: string;
            readonly status: components["schemas"]["OrderStatus"];
            /** @example 56000.68 */
            readonly total: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly updatedAt: string;
            readonly updatedBy: components["schemas"]["ActorRef"];
            readonly version: number;
        };
        OrderBatch: {
            items: components["schemas"]["OrderBatchItem"][];
        };
        OrderBatchItem: {
            /** Format: uuid */
            id?: string;
            /** @enum {string} */
            idBy?: "number";
            key?: string;
            /** @enum {string} */
            op: "fulfil" | "cancel";
            version?: number;
        };
        OrderBatchItemResult: {
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id?: string;
            index: number;
            order?: components["schemas"]["Order"];
            problem?: components["schemas"]["Problem"];
            status: number;
        };
        OrderBatchResult: {
            counts: {
                failed: number;
                succeeded: number;
            };
            results: components["schemas"]["OrderBatchItemResult"][];
        };
        OrderLine: {
            /** @description The name of the product when it was ordered, or the free text. */
            description: string;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            /** @example 56000.68 */
            lineTotal: string;
            productId: string | null;
            quantity: number;
            /** @example 56000.68 */
            unitPrice: string;
        };
        OrderPage: {
            data: components["schemas"]["Order"][];
            page: components["schemas"]["PageInfo"];
        };
        OrderPatch: {
            metadata?: {
                [key: string]: string | number | boolean | null;
            } | null;
            note?: string | null;
        };
        OrderServiceAddress: {
            city?: string;
            country?: string;
            postalCode?: string;
            region?: string;
            street?: string;
        };
        /** @enum {string} */
        OrderStatus: "placed" | "fulfilled" | "cancelled";
        OrderSummary: {
            data: {
                currency: string;
                orders: number;
                /** @example 56000.68 */
                revenue: string;
                /**
                 * Format: date-time
                 * @example 2026-11-20T09:30:00.000Z
                 */
                start: string;
            }[];
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            from: string;
            interval: components["schemas"]["SummaryInterval"];
            /** @example Africa/Nairobi */
            timeZone: string;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            to: string;
        };
        PageInfo: {
            limit: number;
            /**
             * @description Only in a page of a search: `similar` means that nothing has the words of `q`, and that these rows have words that differ from them by one typing error.
             * @enum {string}
             */
            matchedBy?: "similar";
            nextCursor: string | null;
            prevCursor: string | null;
            /** @description The number of rows in the list, counted up to 1,000, or with `total=exact` up to 10,000. A page that is not the first has the total of the first. Absent with `total=none`. */
            total?: number;
            /**
             * @description `eq`: `total` is exact. `gte`: there are more rows than `total`. Absent with `total=none`.
             * @enum {string}
             */
            totalRelation?: "eq" | "gte";
        };
        PasswordReset: {
            /**
             * Format: email
             * @description An e-mail address, stored in lower case. A domain with other letters than ASCII is accepted and stored in its ASCII form: `bücher.example` as `xn--bcher-kva.example`.
             * @example ana@example.com
             */
            email: string;
        };
        Person: {
            /**
             * @description Name and surname, or else the username. Never an e-mail address: without another name it is `User` and the beginning of the id.
             * @example Ana Lovelace
             */
            readonly displayName: string;
            enabled: boolean;
            /** @description The id of the user in Keycloak, the `sub` of tokens. */
            readonly id: string;
        };
        PersonPage: {
            data: components["schemas"]["Person"][];
            page: components["schemas"]["PageInfo"];
        };
        PhotoForm: {
            /**
             * Format: binary
             * @description A JPEG, PNG, WebP, AVIF or GIF image.
             */
            photo: Blob;
        };
        /** @description Signed links to the sizes of a photo. The size of the image: `original`, `medium` (sides of at most 1024 pixels) or `thumb` (at most 320). */
        PhotoUrls: {
            /**
             * @description A signed link. It works without a token until it expires, and stays the same for half of that time.
             * @example /v1/media/0190a5c4-6f00-7000-8000-000000000001/content?variant=thumb&expires=1795168800&signature=c2lnbmVk
             */
            medium: string;
            /**
             * @description A signed link. It works without a token until it expires, and stays the same for half of that time.
             * @example /v1/media/0190a5c4-6f00-7000-8000-000000000001/content?variant=thumb&expires=1795168800&signature=c2lnbmVk
             */
            original: string;
            /**
             * @description A signed link. It works without a token until it expires, and stays the same for half of that time.
             * @example /v1/media/0190a5c4-6f00-7000-8000-000000000001/content?variant=thumb&expires=1795168800&signature=c2lnbmVk
             */
            thumb: string;
        };
        PreconditionFailedProblem: {
            code: components["schemas"]["ProblemCode"];
            /** @description The present version of the resource. Read it, merge the change, and send `etag` as `If-Match`. */
            current?: {
                /** @example "7" */
                etag: string;
                version: number;
            };
            detail?: string;
            errors?: components["schemas"]["ProblemError"][];
            instance?: string;
            requestId?: string;
            status: number;
            title: string;
            /** @example /problems/not-found */
            type: string;
        } & {
            [key: string]: unknown;
        };
        PriceChangedProblem: {
            code: components["schemas"]["ProblemCode"];
            detail?: string;
            errors: ({
                code: components["schemas"]["FieldErrorCode"];
                /** @example 56000.68 */
                current: string;
                /** @example 56000.68 */
                expected: string;
                message: string;
                parameter?: string;
                pointer?: string;
            } & {
                [key: string]: unknown;
            })[];
            instance?: string;
            requestId?: string;
            status: number;
            title: string;
            /** @example /problems/not-found */
            type: string;
        } & {
            [key: string]: unknown;
        };
        /** @description A problem (RFC 9457). */
        Problem: {
            code: components["schemas"]["ProblemCode"];
            detail?: string;
            errors?: components["schemas"]["ProblemError"][];
            instance?: string;
            requestId?: string;
            status: number;
            title: string;
            /** @example /problems/not-found */
            type: string;
        } & {
            [key: string]: unknown;
        };
        /**
         * @description The kind of a problem. Each has a page at `/problems/<code with dashes>`.
         * @enum {string}
         */
        ProblemCode: "malformed" | "unknown_parameter" | "invalid_parameter" | "unauthorized" | "invalid_token" | "invalid_credentials" | "reauthentication_required" | "otp_required" | "forbidden" | "not_found" | "method_not_allowed" | "not_acceptable" | "timeout" | "conflict" | "duplicate" | "insufficient_stock" | "price_changed" | "invalid_state" | "in_use" | "last_admin" | "own_account" | "idempotency_running" | "gone" | "precondition_failed" | "too_large" | "unsupported_media_type" | "range_not_satisfiable" | "expectation_failed" | "misdirected" | "precondition_required" | "validation" | "idempotency_mismatch" | "weak_password" | "rate_limited" | "quota_exceeded" | "locked" | "header_too_large" | "internal" | "bad_gateway" | "unavailable" | "insufficient_storage" | "gateway_timeout";
        ProblemError: {
            code: components["schemas"]["FieldErrorCode"];
            message: string;
            parameter?: string;
            pointer?: string;
        } & {
            [key: string]: unknown;
        };
        Product: {
            active: boolean;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly createdAt: string;
            readonly createdBy: components["schemas"]["ActorRef"];
            /** @example EUR */
            currency: string;
            /** @description When the product was moved to the trash; null if it is not in the trash. */
            readonly deletedAt: string | null;
            description: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            readonly id: string;
            lowStockAt: number | null;
            name: string;
            photoMediaId: string | null;
            /** @description The same link as `photoUrls.medium`. A signed link. It works without a token until it expires, and stays the same for half of that time. */
            readonly photoUrl: string | null;
            readonly photoUrls: components["schemas"]["PhotoUrls"] | null;
            /** @example 56000.68 */
            price: string;
            sku: string | null;
            stock: number;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly updatedAt: string;
            readonly updatedBy: components["schemas"]["ActorRef"];
            readonly version: number;
        };
        ProductBatch: {
            items: components["schemas"]["ProductBatchItem"][];
        };
        ProductBatchCreate: {
            data: components["schemas"]["NewProduct"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "create";
        };
        ProductBatchDelete: {
            /** Format: uuid */
            id?: string;
            /** @enum {string} */
            idBy?: "sku";
            key?: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "delete";
            version?: number;
        };
        ProductBatchItem: components["schemas"]["ProductBatchCreate"] | components["schemas"]["ProductBatchUpdate"] | components["schemas"]["ProductBatchDelete"] | components["schemas"]["ProductBatchRestore"];
        ProductBatchItemResult: {
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id?: string;
            index: number;
            problem?: components["schemas"]["Problem"];
            product?: components["schemas"]["Product"];
            status: number;
        };
        ProductBatchRestore: {
            /** Format: uuid */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "restore";
            version?: number;
        };
        ProductBatchResult: {
            counts: {
                failed: number;
                succeeded: number;
            };
            results: components["schemas"]["ProductBatchItemResult"][];
        };
        ProductBatchUpdate: {
            data: components["schemas"]["ProductPatch"];
            /** Format: uuid */
            id?: string;
            /** @enum {string} */
            idBy?: "sku";
            key?: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            op: "update";
            version?: number;
        };
        ProductPage: {
            data: components["schemas"]["Product"][];
            page: components["schemas"]["PageInfo"];
        };
        ProductPatch: {
            /** @description Whether the product can be ordered. Default: true. */
            active?: boolean;
            /**
             * @description Default: the currency of the shop.
             * @example EUR
             */
            currency?: string;
            description?: string | null;
            /** @description When the stock falls to this value or below, the event `product.stock_low.v1` is published. */
            lowStockAt?: (number | string) | null;
            /** @example Red Bull 250 ml */
            name?: string;
            /** @description The id of an image that was uploaded with `POST /v1/media`. A PUT without it keeps the photo; null removes it. */
            photoMediaId?: string | null;
            /** @example 56000.68 */
            price?: string | number;
            /** @description Your own number of the product. It is unique among products that are not in the trash. It must not contain `/` or `\`, because paths name the product by it. */
            sku?: string | null;
            /**
             * @description The quantity in stock, up to 1000000000. A change becomes a stock movement. If orders or other movements have changed the stock since it was last set, a change needs `If-Match` (otherwise 428), because it would put back what was sold since the product was read.
             * @example 100
             */
            stock?: number | string;
        };
        ProductPhoto: {
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            mediaId: string;
        };
        Profile: {
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly createdAt: string;
            /**
             * @description Name and surname, or else the username. Never an e-mail address: without another name it is `User` and the beginning of the id.
             * @example Ana Lovelace
             */
            readonly displayName: string;
            email: string | null;
            readonly emailVerified: boolean;
            enabled: boolean;
            /** @description The id of the user in Keycloak, the `sub` of tokens. */
            readonly id: string;
            readonly lastLoginAt: string | null;
            name: string | null;
            /** @description A proposed e-mail address. It takes effect when the user follows the link that was mailed to it. */
            pendingEmail: string | null;
            roles: components["schemas"]["Role"][];
            surname: string | null;
            username: string;
            readonly version: number;
        };
        ProfilePatch: {
            /**
             * Format: email
             * @description An e-mail address, stored in lower case. A domain with other letters than ASCII is accepted and stored in its ASCII form: `bücher.example` as `xn--bcher-kva.example`.
             * @example ana@example.com
             */
            email?: string;
            name?: string | null;
            surname?: string | null;
        };
        RecordedEvent: {
            about: components["schemas"]["EventAbout"];
            actor: components["schemas"]["EventActor"];
            /**
             * Format: date-time
             * @description When it happened.
             * @example 2026-11-20T09:30:00.000Z
             */
            at: string;
            /** @description The fields that changed, with their values before and after, at most 50. Empty if nothing changed or the event is redacted. */
            changes: components["schemas"]["EventChange"][];
            /** @description The id of the event, the same as in the stream and in webhooks. */
            id: string;
            /** @description Whether the data of the event was removed because its customer was purged. The number, total and status of an order stay. */
            redacted: boolean;
            /**
             * @description The number of the event. Numbers grow in the order in which events were recorded, without gaps.
             * @example 48211
             */
            seq: number;
            /** @description The id of the record that the event is about. */
            subject: string;
            /** @example order.placed.v1 */
            type: string;
        };
        RecordedEventPage: {
            data: components["schemas"]["RecordedEvent"][];
            page: components["schemas"]["PageInfo"];
        };
        RefreshToken: {
            refreshToken: string;
        };
        /** @enum {string} */
        Role: "user" | "admin";
        SignedIn: {
            accessToken: string;
            /** @description Store it on the device, and send it with the next sign-in of this user. It is valid for 180 days. It replaces no password. */
            deviceToken: string;
            /** @description The lifetime of the access token in seconds. */
            expiresIn: number;
            /** @description The lifetime of the refresh token in seconds. */
            refreshExpiresIn: number;
            refreshToken: string;
            /** @constant */
            tokenType: "Bearer";
        };
        SignUp: {
            createCustomer?: boolean;
            /**
             * Format: email
             * @description An e-mail address, stored in lower case. A domain with other letters than ASCII is accepted and stored in its ASCII form: `bücher.example` as `xn--bcher-kva.example`.
             * @example ana@example.com
             */
            email: string;
            /** @example Ana */
            name?: string;
            /**
             * Format: password
             * @example correct horse battery
             */
            password: string;
            /** @example Lovelace */
            surname?: string;
            /**
             * @description Without a username, or if it is taken or the e-mail address, the user gets a generated one and signs in with the e-mail address.
             * @example ana
             */
            username?: string;
        };
        StockMovement: {
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            createdAt: string;
            createdBy: components["schemas"]["ActorRef"];
            delta: number;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            kind: components["schemas"]["StockMovementKind"];
            orderId: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            productId: string;
            reason: string;
            stockAfter: number;
        };
        /** @enum {string} */
        StockMovementKind: "initial" | "manual" | "order" | "cancellation";
        StockMovementPage: {
            data: components["schemas"]["StockMovement"][];
            page: components["schemas"]["PageInfo"];
        };
        /** @enum {string} */
        SummaryInterval: "hour" | "day" | "week" | "month";
        /** @enum {string} */
        TableFormat: "csv" | "json" | "ndjson" | "xlsx";
        TagCounts: {
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            countedAt: string;
            data: {
                customers: number;
                /** @example wholesale */
                tag: string;
            }[];
            total: number;
        };
        TagPatch: {
            /** @example wholesale */
            name: string;
        };
        /** @enum {string} */
        TagsMode: "replace" | "add";
        Tokens: {
            accessToken: string;
            /** @description The lifetime of the access token in seconds. */
            expiresIn: number;
            /** @description The lifetime of the refresh token in seconds. */
            refreshExpiresIn: number;
            refreshToken: string;
            /** @constant */
            tokenType: "Bearer";
        };
        User: {
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly createdAt: string;
            /**
             * @description Name and surname, or else the username. Never an e-mail address: without another name it is `User` and the beginning of the id.
             * @example Ana Lovelace
             */
            readonly displayName: string;
            email: string | null;
            readonly emailVerified: boolean;
            enabled: boolean;
            /** @description The id of the user in Keycloak, the `sub` of tokens. */
            readonly id: string;
            readonly lastLoginAt: string | null;
            name: string | null;
            roles: components["schemas"]["Role"][];
            surname: string | null;
            username: string;
            readonly version: number;
        };
        UserLock: {
            api: {
                /** @description Failed sign-ins from unknown devices. */
                failures: number;
                /** @description The number of networks and devices that are locked. */
                lockedSources: number;
                /** @description Until then only known devices can sign in through the API. */
                lockedUntil: string | null;
            };
            keycloak: {
                failures: number;
                /** @description Whether Keycloak refuses all sign-ins for now. */
                locked: boolean;
            };
            /** @description Whether one of the locks is in force. */
            locked: boolean;
        };
        UserPage: {
            data: components["schemas"]["User"][];
            page: components["schemas"]["PageInfo"];
        };
        UserPatch: {
            /**
             * Format: email
             * @description An e-mail address, stored in lower case. A domain with other letters than ASCII is accepted and stored in its ASCII form: `bücher.example` as `xn--bcher-kva.example`.
             * @example ana@example.com
             */
            email?: string;
            enabled?: boolean;
            name?: string | null;
            /**
             * Format: password
             * @description A new password. It ends all sessions of the user, and access tokens issued before are refused.
             * @example correct horse battery
             */
            password?: string;
            roles?: components["schemas"]["Role"][];
            surname?: string | null;
            /** @example ana */
            username?: string;
        };
        UserReplacement: {
            /**
             * Format: email
             * @description An e-mail address, stored in lower case. A domain with other letters than ASCII is accepted and stored in its ASCII form: `bücher.example` as `xn--bcher-kva.example`.
             * @example ana@example.com
             */
            email: string;
            enabled: boolean;
            name?: string | null;
            roles: components["schemas"]["Role"][];
            surname?: string | null;
            /** @example ana */
            username: string;
        };
        UserSession: {
            /** @description The OAuth clients that the session is used with. */
            clients: string[];
            /** @description Whether the request was made with a token of this session. */
            current: boolean;
            /** @description The id of the session in Keycloak, the `sid` of its tokens. */
            id: string;
            ipAddress: string | null;
            /**
             * Format: date-time
             * @description The last sign-in or refresh.
             * @example 2026-11-20T09:30:00.000Z
             */
            lastUsedAt: string;
            /** @description Whether it is kept by an offline token. */
            offline: boolean;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            startedAt: string;
        };
        UserSessions: {
            data: components["schemas"]["UserSession"][];
        };
        Webhook: {
            active: boolean;
            /** @description How many events are still to be delivered, counted up to 10,000. */
            readonly behind: number;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly createdAt: string;
            readonly createdBy: components["schemas"]["ActorRef"];
            description: string | null;
            events: string[];
            /** @description When the first attempt failed after the last success; null if the last attempt succeeded. */
            readonly failingSince: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            readonly id: string;
            readonly lastSuccessAt: string | null;
            ordered: boolean;
            readonly pausedReason: components["schemas"]["WebhookPausedReason"] | null;
            payload: components["schemas"]["WebhookPayload"];
            /** @description The `seq` of the last event that was handled: delivered, or waiting to be sent again. */
            readonly position: number;
            /** @description The running replay: `seq` of the last event that it has sent, and of its last event. */
            readonly replay: {
                position: number;
                /**
                 * Format: date-time
                 * @example 2026-11-20T09:30:00.000Z
                 */
                requestedAt: string;
                until: number;
            } | null;
            readonly state: components["schemas"]["WebhookState"];
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly updatedAt: string;
            readonly updatedBy: components["schemas"]["ActorRef"];
            url: string;
            readonly version: number;
        };
        WebhookDelivery: {
            /** @description The first 1,024 bytes of the answer as text. */
            answer: string | null;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            at: string;
            /** @description 1 for the first attempt to deliver this event. */
            attempt: number;
            durationMs: number;
            /**
             * @description Why the attempt failed; null if it succeeded. `status`: a status other than 2xx. `dns`, `refused`, `tls`, `timeout`, `connection`: there was no response. `address`: the address is not public, and not allowed. `secret`: the secret cannot be decrypted.
             * @example timeout
             */
            error: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            eventId: string;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            /** @description When the event will be tried again, as planned after this attempt. Null after a success and after the last attempt. */
            nextAttemptAt: string | null;
            /**
             * @description Null if there was no response.
             * @example 200
             */
            responseStatus: number | null;
            seq: number;
            status: components["schemas"]["WebhookDeliveryStatus"];
            subject: string;
            type: string;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            webhookId: string;
        };
        WebhookDeliveryPage: {
            data: components["schemas"]["WebhookDelivery"][];
            page: components["schemas"]["PageInfo"];
        };
        /** @enum {string} */
        WebhookDeliveryStatus: "delivered" | "failed";
        WebhookPage: {
            data: components["schemas"]["Webhook"][];
            page: components["schemas"]["PageInfo"];
        };
        WebhookPatch: {
            /** @description Whether events are sent. Default: true. */
            active?: boolean;
            /** @example The warehouse */
            description?: string | null;
            /**
             * @description Event types, such as `customer.created.v1`, and kinds, such as `order.*`.
             * @example [
             *       "order.*",
             *       "customer.created.v1"
             *     ]
             */
            events?: string[];
            /** @description Whether the events of one subject arrive one after the other: later ones wait until the receiver has accepted the earlier one. Default: false. */
            ordered?: boolean;
            /** @description `full` (the default): the whole event. `reference`: only its id, type, subject, version and time, so that nothing personal leaves the installation. */
            payload?: components["schemas"]["WebhookPayload"];
            /**
             * Format: uri
             * @description Where events are sent by POST: an https URL at a public address, without credentials and fragment. The operator can allow http and private networks.
             * @example https://shop.example.com/hooks/clientele
             */
            url?: string;
        };
        /** @enum {string} */
        WebhookPausedReason: "deactivated" | "failing" | "gone";
        /** @enum {string} */
        WebhookPayload: "full" | "reference";
        WebhookSecret: {
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            previousExpiresAt: string;
            /**
             * @description The secret that signs requests. It is shown once: store it.
             * @example whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDdQoZ8aBPdZ8=
             */
            secret: string;
        };
        /** @enum {string} */
        WebhookState: "active" | "failing" | "paused";
        WebhookTest: {
            /** @description The first 1,024 bytes of the answer as text. */
            answer: string | null;
            durationMs: number;
            /**
             * @description Why the attempt failed; null if it succeeded. `status`: a status other than 2xx. `dns`, `refused`, `tls`, `timeout`, `connection`: there was no response. `address`: the address is not public, and not allowed. `secret`: the secret cannot be decrypted.
             * @example timeout
             */
            error: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            id: string;
            /**
             * @description Null if there was no response.
             * @example 200
             */
            responseStatus: number | null;
            /** @enum {string} */
            status: "delivered" | "failed";
        };
        WebhookWithSecret: {
            active: boolean;
            /** @description How many events are still to be delivered, counted up to 10,000. */
            readonly behind: number;
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly createdAt: string;
            readonly createdBy: components["schemas"]["ActorRef"];
            description: string | null;
            events: string[];
            /** @description When the first attempt failed after the last success; null if the last attempt succeeded. */
            readonly failingSince: string | null;
            /**
             * Format: uuid
             * @example 0190a5c4-6f00-7000-8000-000000000001
             */
            readonly id: string;
            readonly lastSuccessAt: string | null;
            ordered: boolean;
            readonly pausedReason: components["schemas"]["WebhookPausedReason"] | null;
            payload: components["schemas"]["WebhookPayload"];
            /** @description The `seq` of the last event that was handled: delivered, or waiting to be sent again. */
            readonly position: number;
            /** @description The running replay: `seq` of the last event that it has sent, and of its last event. */
            readonly replay: {
                position: number;
                /**
                 * Format: date-time
                 * @example 2026-11-20T09:30:00.000Z
                 */
                requestedAt: string;
                until: number;
            } | null;
            /**
             * @description The secret that signs requests. It is shown once: store it.
             * @example whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDdQoZ8aBPdZ8=
             */
            secret: string;
            readonly state: components["schemas"]["WebhookState"];
            /**
             * Format: date-time
             * @example 2026-11-20T09:30:00.000Z
             */
            readonly updatedAt: string;
            readonly updatedBy: components["schemas"]["ActorRef"];
            url: string;
            readonly version: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type Accepted = components['schemas']['Accepted'];
export type ActorRef = components['schemas']['ActorRef'];
export type Address = components['schemas']['Address'];
export type AddressOutput = components['schemas']['AddressOutput'];
export type AddressPatch = components['schemas']['AddressPatch'];
export type AuditChain = components['schemas']['AuditChain'];
export type AuditedEvent = components['schemas']['AuditedEvent'];
export type AuthConfig = components['schemas']['AuthConfig'];
export type ChainCheck = components['schemas']['ChainCheck'];
export type ChainFault = components['schemas']['ChainFault'];
export type ChainHead = components['schemas']['ChainHead'];
export type ChainHeads = components['schemas']['ChainHeads'];
export type CountChangedProblem = components['schemas']['CountChangedProblem'];
export type Customer = components['schemas']['Customer'];
export type CustomerBatch = components['schemas']['CustomerBatch'];
export type CustomerBatchCreate = components['schemas']['CustomerBatchCreate'];
export type CustomerBatchDelete = components['schemas']['CustomerBatchDelete'];
export type CustomerBatchItem = components['schemas']['CustomerBatchItem'];
export type CustomerBatchItemResult = components['schemas']['CustomerBatchItemResult'];
export type CustomerBatchRestore = components['schemas']['CustomerBatchRestore'];
export type CustomerBatchResult = components['schemas']['CustomerBatchResult'];
export type CustomerBatchTag = components['schemas']['CustomerBatchTag'];
export type CustomerBatchUpdate = components['schemas']['CustomerBatchUpdate'];
export type CustomerBulkDelete = components['schemas']['CustomerBulkDelete'];
export type CustomerBulkPatch = components['schemas']['CustomerBulkPatch'];
export type CustomerBulkRestore = components['schemas']['CustomerBulkRestore'];
export type CustomerBulkTag = components['schemas']['CustomerBulkTag'];
export type CustomerBulkUpdate = components['schemas']['CustomerBulkUpdate'];
export type CustomerEditor = components['schemas']['CustomerEditor'];
export type CustomerEditorPage = components['schemas']['CustomerEditorPage'];
export type CustomerFilter = components['schemas']['CustomerFilter'];
export type CustomerPage = components['schemas']['CustomerPage'];
export type CustomerPatch = components['schemas']['CustomerPatch'];
export type CustomerPhoto = components['schemas']['CustomerPhoto'];
export type CustomerRef = components['schemas']['CustomerRef'];
export type CustomerSummary = components['schemas']['CustomerSummary'];
export type DecimalMark = components['schemas']['DecimalMark'];
export type DeliveryReport = components['schemas']['DeliveryReport'];
export type DuplicateProblem = components['schemas']['DuplicateProblem'];
export type EmailLinkToken = components['schemas']['EmailLinkToken'];
export type EncodingSource = components['schemas']['EncodingSource'];
export type EventAbout = components['schemas']['EventAbout'];
export type EventActor = components['schemas']['EventActor'];
export type EventChange = components['schemas']['EventChange'];
export type EventFeed = components['schemas']['EventFeed'];
export type ExportResult = components['schemas']['ExportResult'];
export type FeedGoneProblem = components['schemas']['FeedGoneProblem'];
export type FieldErrorCode = components['schemas']['FieldErrorCode'];
export type Formulas = components['schemas']['Formulas'];
export type Import = components['schemas']['Import'];
export type ImportCommit = components['schemas']['ImportCommit'];
export type ImportCounts = components['schemas']['ImportCounts'];
export type ImportedFormat = components['schemas']['ImportedFormat'];
export type ImportForm = components['schemas']['ImportForm'];
export type ImportPage = components['schemas']['ImportPage'];
export type ImportPatch = components['schemas']['ImportPatch'];
export type ImportPreset = components['schemas']['ImportPreset'];
export type ImportPresetChoice = components['schemas']['ImportPresetChoice'];
export type ImportPreview = components['schemas']['ImportPreview'];
export type ImportRowError = components['schemas']['ImportRowError'];
export type ImportStatus = components['schemas']['ImportStatus'];
export type ImportWarning = components['schemas']['ImportWarning'];
export type InstallationConfig = components['schemas']['InstallationConfig'];
export type InsufficientStockProblem = components['schemas']['InsufficientStockProblem'];
export type Job = components['schemas']['Job'];
export type JobError = components['schemas']['JobError'];
export type JobFileLink = components['schemas']['JobFileLink'];
export type JobPage = components['schemas']['JobPage'];
export type JobStatus = components['schemas']['JobStatus'];
export type Login = components['schemas']['Login'];
export type Media = components['schemas']['Media'];
export type MediaNoteCode = components['schemas']['MediaNoteCode'];
export type MediaTooLargeProblem = components['schemas']['MediaTooLargeProblem'];
export type MediaUpload = components['schemas']['MediaUpload'];
export type MediaVariant = components['schemas']['MediaVariant'];
export type NewCustomer = components['schemas']['NewCustomer'];
export type NewCustomerBulkChange = components['schemas']['NewCustomerBulkChange'];
export type NewCustomerExport = components['schemas']['NewCustomerExport'];
export type NewCustomerForm = components['schemas']['NewCustomerForm'];
export type NewOrder = components['schemas']['NewOrder'];
export type NewOrderExport = components['schemas']['NewOrderExport'];
export type NewOrderLine = components['schemas']['NewOrderLine'];
export type NewProduct = components['schemas']['NewProduct'];
export type NewProductExport = components['schemas']['NewProductExport'];
export type NewProductForm = components['schemas']['NewProductForm'];
export type NewProductLine = components['schemas']['NewProductLine'];
export type NewStockMovement = components['schemas']['NewStockMovement'];
export type NewTextLine = components['schemas']['NewTextLine'];
export type NewUser = components['schemas']['NewUser'];
export type NewWebhook = components['schemas']['NewWebhook'];
export type NewWebhookReplay = components['schemas']['NewWebhookReplay'];
export type Notification = components['schemas']['Notification'];
export type NotificationChannel = components['schemas']['NotificationChannel'];
export type NotificationFallback = components['schemas']['NotificationFallback'];
export type NotificationPage = components['schemas']['NotificationPage'];
export type NotificationServiceAddress = components['schemas']['NotificationServiceAddress'];
export type NotificationServiceCustomerRef = components['schemas']['NotificationServiceCustomerRef'];
export type NotificationStatus = components['schemas']['NotificationStatus'];
export type NotificationWithText = components['schemas']['NotificationWithText'];
export type NumberedEvent = components['schemas']['NumberedEvent'];
export type OnMatch = components['schemas']['OnMatch'];
export type Order = components['schemas']['Order'];
export type OrderBatch = components['schemas']['OrderBatch'];
export type OrderBatchItem = components['schemas']['OrderBatchItem'];
export type OrderBatchItemResult = components['schemas']['OrderBatchItemResult'];
export type OrderBatchResult = components['schemas']['OrderBatchResult'];
export type OrderLine = components['schemas']['OrderLine'];
export type OrderPage = components['schemas']['OrderPage'];
export type OrderPatch = components['schemas']['OrderPatch'];
export type OrderServiceAddress = components['schemas']['OrderServiceAddress'];
export type OrderStatus = components['schemas']['OrderStatus'];
export type OrderSummary = components['schemas']['OrderSummary'];
export type PageInfo = components['schemas']['PageInfo'];
export type PasswordReset = components['schemas']['PasswordReset'];
export type Person = components['schemas']['Person'];
export type PersonPage = components['schemas']['PersonPage'];
export type PhotoForm = components['schemas']['PhotoForm'];
export type PhotoUrls = components['schemas']['PhotoUrls'];
export type PreconditionFailedProblem = components['schemas']['PreconditionFailedProblem'];
export type PriceChangedProblem = components['schemas']['PriceChangedProblem'];
export type Problem = components['schemas']['Problem'];
export type ProblemCode = components['schemas']['ProblemCode'];
export type ProblemError = components['schemas']['ProblemError'];
export type Product = components['schemas']['Product'];
export type ProductBatch = components['schemas']['ProductBatch'];
export type ProductBatchCreate = components['schemas']['ProductBatchCreate'];
export type ProductBatchDelete = components['schemas']['ProductBatchDelete'];
export type ProductBatchItem = components['schemas']['ProductBatchItem'];
export type ProductBatchItemResult = components['schemas']['ProductBatchItemResult'];
export type ProductBatchRestore = components['schemas']['ProductBatchRestore'];
export type ProductBatchResult = components['schemas']['ProductBatchResult'];
export type ProductBatchUpdate = components['schemas']['ProductBatchUpdate'];
export type ProductPage = components['schemas']['ProductPage'];
export type ProductPatch = components['schemas']['ProductPatch'];
export type ProductPhoto = components['schemas']['ProductPhoto'];
export type Profile = components['schemas']['Profile'];
export type ProfilePatch = components['schemas']['ProfilePatch'];
export type RecordedEvent = components['schemas']['RecordedEvent'];
export type RecordedEventPage = components['schemas']['RecordedEventPage'];
export type RefreshToken = components['schemas']['RefreshToken'];
export type Role = components['schemas']['Role'];
export type SignedIn = components['schemas']['SignedIn'];
export type SignUp = components['schemas']['SignUp'];
export type StockMovement = components['schemas']['StockMovement'];
export type StockMovementKind = components['schemas']['StockMovementKind'];
export type StockMovementPage = components['schemas']['StockMovementPage'];
export type SummaryInterval = components['schemas']['SummaryInterval'];
export type TableFormat = components['schemas']['TableFormat'];
export type TagCounts = components['schemas']['TagCounts'];
export type TagPatch = components['schemas']['TagPatch'];
export type TagsMode = components['schemas']['TagsMode'];
export type Tokens = components['schemas']['Tokens'];
export type User = components['schemas']['User'];
export type UserLock = components['schemas']['UserLock'];
export type UserPage = components['schemas']['UserPage'];
export type UserPatch = components['schemas']['UserPatch'];
export type UserReplacement = components['schemas']['UserReplacement'];
export type UserSession = components['schemas']['UserSession'];
export type UserSessions = components['schemas']['UserSessions'];
export type Webhook = components['schemas']['Webhook'];
export type WebhookDelivery = components['schemas']['WebhookDelivery'];
export type WebhookDeliveryPage = components['schemas']['WebhookDeliveryPage'];
export type WebhookDeliveryStatus = components['schemas']['WebhookDeliveryStatus'];
export type WebhookPage = components['schemas']['WebhookPage'];
export type WebhookPatch = components['schemas']['WebhookPatch'];
export type WebhookPausedReason = components['schemas']['WebhookPausedReason'];
export type WebhookPayload = components['schemas']['WebhookPayload'];
export type WebhookSecret = components['schemas']['WebhookSecret'];
export type WebhookState = components['schemas']['WebhookState'];
export type WebhookTest = components['schemas']['WebhookTest'];
export type WebhookWithSecret = components['schemas']['WebhookWithSecret'];
export type $defs = Record<string, never>;
export interface operations {
    listAudit: {
        parameters: {
            query?: {
                /** @description The id of a user, or `me` for the signed-in user. */
                actor?: string[];
                /** @description Whether there is a value. */
                "actor[exists]"?: boolean;
                /** @description Not equal to the value. */
                "actor[ne]"?: string[];
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                at?: string;
                /** @description Whether there is a value. */
                "at[exists]"?: boolean;
                /** @description Greater than the value. */
                "at[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "at[gte]"?: string;
                /** @description Less than the value. */
                "at[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "at[lte]"?: string;
                /** @description Not equal to the value. */
                "at[ne]"?: string;
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description Rows per page. Default: 50. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-seq`. */
                sort?: ("seq" | "-seq" | "at" | "-at")[];
                /** @description The id of the record that events are about. */
                subject?: string;
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
                /** @description Event types such as `order.placed.v1`, and kinds such as `order.*`, separated by commas. */
                type?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List all events, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-0000000000e1",
                     *           "seq": 48211,
                     *           "type": "customer.updated.v1",
                     *           "at": "2026-11-21T14:05:12.345Z",
                     *           "actor": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "subject": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "changes": [
                     *             {
                     *               "field": "surname",
                     *               "from": "Byron",
                     *               "to": "Lovelace"
                     *             }
                     *           ],
                     *           "about": {
                     *             "kind": "customer",
                     *             "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "label": "Ana Lovelace",
                     *             "code": "CUS-000123"
                     *           },
                     *           "redacted": false
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["RecordedEventPage"];
                };
            };
        };
    };
    getAuditEvent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The number of the event. */
                seq: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get an event with all its data */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000e1",
                     *       "seq": 48211,
                     *       "type": "customer.updated.v1",
                     *       "at": "2026-11-21T14:05:12.345Z",
                     *       "actor": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "subject": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "changes": [
                     *         {
                     *           "field": "surname",
                     *           "from": "Byron",
                     *           "to": "Lovelace"
                     *         }
                     *       ],
                     *       "about": {
                     *         "kind": "customer",
                     *         "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "label": "Ana Lovelace",
                     *         "code": "CUS-000123"
                     *       },
                     *       "redacted": false,
                     *       "event": {
                     *         "specversion": "1.0",
                     *         "id": "0190a5c4-6f00-7000-8000-0000000000e1",
                     *         "source": "/customer-service",
                     *         "type": "customer.updated.v1",
                     *         "subject": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "time": "2026-11-21T14:05:12.345Z",
                     *         "datacontenttype": "application/json",
                     *         "data": {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "code": "CUS-000123",
                     *           "name": "Ana",
                     *           "surname": "Lovelace",
                     *           "version": 2,
                     *           "actor": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "changed": [
                     *             "surname"
                     *           ],
                     *           "previous": {
                     *             "surname": "Byron"
                     *           }
                     *         },
                     *         "seq": 48211
                     *       },
                     *       "recordedAt": "2026-11-21T14:05:12.361Z",
                     *       "chain": "lasting",
                     *       "bodyHash": "9d0d4e9f20436eea3295a3604c2fa45a5a49632764238a694902bd07a71d3d9b",
                     *       "hash": "9d0d4e9f20436eea3295a3604c2fa45a5a49632764238a694902bd07a71d3d9b"
                     *     }
                     */
                    "application/json": components["schemas"]["AuditedEvent"];
                };
            };
        };
    };
    getAuditHead: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the ends of the chains of hashes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "lasting": {
                     *         "seq": 48211,
                     *         "hash": "9d0d4e9f20436eea3295a3604c2fa45a5a49632764238a694902bd07a71d3d9b",
                     *         "recordedAt": "2026-11-21T14:05:12.361Z"
                     *       },
                     *       "passing": {
                     *         "seq": 48210,
                     *         "hash": "9d0d4e9f20436eea3295a3604c2fa45a5a49632764238a694902bd07a71d3d9b",
                     *         "recordedAt": "2026-11-21T14:05:12.361Z"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ChainHeads"];
                };
            };
        };
    };
    verifyAudit: {
        parameters: {
            query?: {
                /** @description The number of the first event. */
                from?: number;
                /** @description The number of the last event. Default: the newest. */
                to?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Check that no event was changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "from": 1,
                     *       "to": 48211,
                     *       "checked": 48211,
                     *       "redacted": 12,
                     *       "ok": true,
                     *       "firstBroken": null,
                     *       "reason": null
                     *     }
                     */
                    "application/json": components["schemas"]["ChainCheck"];
                };
            };
        };
    };
    getAuthConfig: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the sign-in settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "issuer": "http://localhost:8080/realms/clientele",
                     *       "clientId": "clientele-console",
                     *       "authorizationEndpoint": "http://localhost:8080/realms/clientele/protocol/openid-connect/auth",
                     *       "tokenEndpoint": "http://localhost:8080/realms/clientele/protocol/openid-connect/token",
                     *       "logoutEndpoint": "http://localhost:8080/realms/clientele/protocol/openid-connect/logout",
                     *       "signup": true,
                     *       "passwordLogin": true,
                     *       "passwordReset": true
                     *     }
                     */
                    "application/json": components["schemas"]["AuthConfig"];
                };
            };
        };
    };
    confirmEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "token": "q1cXb0yT2aEq1cXb0yT2aEq1cXb0yT2aEq1cXb0yT2a"
                 *     }
                 */
                "application/json": components["schemas"]["EmailLinkToken"];
            };
        };
        responses: {
            /** @description Confirm a new e-mail address */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    restoreEmail: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "token": "q1cXb0yT2aEq1cXb0yT2aEq1cXb0yT2aEq1cXb0yT2a"
                 *     }
                 */
                "application/json": components["schemas"]["EmailLinkToken"];
            };
        };
        responses: {
            /** @description Restore a former e-mail address */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    signIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "username": "ana",
                 *       "password": "correct horse battery"
                 *     }
                 */
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            /** @description Sign in with a password */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "accessToken": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1YTFmNmYwZSJ9.c2lnbmF0dXJl",
                     *       "refreshToken": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1YTFmNmYwZSJ9.c2lnbmF0dXJl",
                     *       "expiresIn": 300,
                     *       "refreshExpiresIn": 1800,
                     *       "tokenType": "Bearer",
                     *       "deviceToken": "ZGV2aWNlLXRva2Vu"
                     *     }
                     */
                    "application/json": components["schemas"]["SignedIn"];
                };
            };
        };
    };
    signOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "refreshToken": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1YTFmNmYwZSJ9.c2lnbmF0dXJl"
                 *     }
                 */
                "application/json": components["schemas"]["RefreshToken"];
            };
        };
        responses: {
            /** @description Sign out */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    requestPasswordReset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "email": "ana@example.com"
                 *     }
                 */
                "application/json": components["schemas"]["PasswordReset"];
            };
        };
        responses: {
            /** @description Request a password reset */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "If the address has an account, it gets a mail."
                     *     }
                     */
                    "application/json": components["schemas"]["Accepted"];
                };
            };
        };
    };
    refreshTokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "refreshToken": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1YTFmNmYwZSJ9.c2lnbmF0dXJl"
                 *     }
                 */
                "application/json": components["schemas"]["RefreshToken"];
            };
        };
        responses: {
            /** @description Refresh the tokens */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "accessToken": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1YTFmNmYwZSJ9.c2lnbmF0dXJl",
                     *       "refreshToken": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1YTFmNmYwZSJ9.c2lnbmF0dXJl",
                     *       "expiresIn": 300,
                     *       "refreshExpiresIn": 1800,
                     *       "tokenType": "Bearer"
                     *     }
                     */
                    "application/json": components["schemas"]["Tokens"];
                };
            };
        };
    };
    signUp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "username": "ana",
                 *       "email": "ana@example.com",
                 *       "password": "correct horse battery",
                 *       "name": "Ana",
                 *       "surname": "Lovelace"
                 *     }
                 */
                "application/json": components["schemas"]["SignUp"];
            };
        };
        responses: {
            /** @description Sign up */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "If the address has an account, it gets a mail."
                     *     }
                     */
                    "application/json": components["schemas"]["Accepted"];
                };
            };
        };
    };
    receiveDeliveryReport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The SMS provider: `africastalking`. */
                provider: string;
                /** @description The secret that is configured as `CALLBACK_SECRET`. */
                secret: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "id": "ATXid_1",
                 *       "status": "Success",
                 *       "phoneNumber": "+254711000111"
                 *     }
                 */
                "application/x-www-form-urlencoded": components["schemas"]["DeliveryReport"];
            };
        };
        responses: {
            /** @description Receive a delivery report of an SMS provider */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getConfig: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the settings of this installation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "Clientele",
                     *       "version": "0.1.0",
                     *       "shop": {
                     *         "name": "Corner Shop",
                     *         "locale": "en",
                     *         "timeZone": "Africa/Nairobi",
                     *         "currency": "KES",
                     *         "country": "KE"
                     *       },
                     *       "customers": {
                     *         "requiredFields": [
                     *           "name",
                     *           "surname"
                     *         ]
                     *       },
                     *       "orders": {
                     *         "customerRequired": false
                     *       },
                     *       "limits": {
                     *         "pageSize": 200,
                     *         "batchItems": 500,
                     *         "bodyBytes": 1000000,
                     *         "uploadBytes": 20971520,
                     *         "importBytes": 500000000
                     *       },
                     *       "features": {
                     *         "signup": true,
                     *         "passwordLogin": true,
                     *         "mail": true,
                     *         "docs": true
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["InstallationConfig"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listCustomers: {
        parameters: {
            query?: {
                /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
                "address.city"?: string;
                /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
                "address.country"?: string;
                /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
                "address.postalCode"?: string;
                /** @description A text. Texts are compared exactly, also in upper and lower case. Separate alternatives with commas; write a comma in a value as `\,`. */
                "address.region"?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                code?: string;
                /** @description Contains the text, in upper or lower case. */
                "code[contains]"?: string;
                /** @description Whether there is a value. */
                "code[exists]"?: boolean;
                /** @description Greater than the value. */
                "code[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "code[gte]"?: string;
                /** @description Less than the value. */
                "code[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "code[lte]"?: string;
                /** @description Not equal to the value. */
                "code[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "code[startsWith]"?: string;
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user. */
                createdBy?: string[];
                /** @description Whether there is a value. */
                "createdBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "createdBy[ne]"?: string[];
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                deletedAt?: string;
                /** @description Whether there is a value. */
                "deletedAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "deletedAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "deletedAt[gte]"?: string;
                /** @description Less than the value. */
                "deletedAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "deletedAt[lte]"?: string;
                /** @description Not equal to the value. */
                "deletedAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user, who created or ever changed the customer. */
                editedBy?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                email?: string;
                /** @description Contains the text, in upper or lower case. */
                "email[contains]"?: string;
                /** @description Whether there is a value. */
                "email[exists]"?: boolean;
                /** @description Not equal to the value. */
                "email[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "email[startsWith]"?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                externalId?: string;
                /** @description Contains the text, in upper or lower case. */
                "externalId[contains]"?: string;
                /** @description Whether there is a value. */
                "externalId[exists]"?: boolean;
                /** @description Not equal to the value. */
                "externalId[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "externalId[startsWith]"?: string;
                /** @description `true` or `false`. */
                hasPhoto?: boolean;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                name?: string;
                /** @description Contains the text, in upper or lower case. */
                "name[contains]"?: string;
                /** @description Whether there is a value. */
                "name[exists]"?: boolean;
                /** @description Greater than the value. */
                "name[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "name[gte]"?: string;
                /** @description Less than the value. */
                "name[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "name[lte]"?: string;
                /** @description Not equal to the value. */
                "name[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "name[startsWith]"?: string;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                phone?: string;
                /** @description Contains the text, in upper or lower case. */
                "phone[contains]"?: string;
                /** @description Whether there is a value. */
                "phone[exists]"?: boolean;
                /** @description Not equal to the value. */
                "phone[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "phone[startsWith]"?: string;
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. If nothing is found, a word of four letters or more may have one typing error; `page.matchedBy` then is `similar`. */
                q?: string;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("createdAt" | "-createdAt" | "updatedAt" | "-updatedAt" | "surname" | "-surname" | "name" | "-name" | "code" | "-code" | "relevance")[];
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                surname?: string;
                /** @description Contains the text, in upper or lower case. */
                "surname[contains]"?: string;
                /** @description Whether there is a value. */
                "surname[exists]"?: boolean;
                /** @description Greater than the value. */
                "surname[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "surname[gte]"?: string;
                /** @description Less than the value. */
                "surname[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "surname[lte]"?: string;
                /** @description Not equal to the value. */
                "surname[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "surname[startsWith]"?: string;
                /** @description A value that must occur. Separate alternatives with commas. */
                tag?: string;
                /** @description Whether there is a value. */
                "tag[exists]"?: boolean;
                /** @description Not equal to the value. */
                "tag[ne]"?: string;
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                updatedAt?: string;
                /** @description Whether there is a value. */
                "updatedAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "updatedAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "updatedAt[gte]"?: string;
                /** @description Less than the value. */
                "updatedAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "updatedAt[lte]"?: string;
                /** @description Not equal to the value. */
                "updatedAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user. */
                updatedBy?: string[];
                /** @description Whether there is a value. */
                "updatedBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "updatedBy[ne]"?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List customers, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "code": "CUS-000123",
                     *           "externalId": "shop-17",
                     *           "name": "Ana",
                     *           "surname": "Lovelace",
                     *           "email": "ana@example.com",
                     *           "phone": "+254711000111",
                     *           "tags": [
                     *             "wholesale"
                     *           ],
                     *           "address": {
                     *             "street": "12 Analytical Row",
                     *             "city": "Nairobi",
                     *             "postalCode": "00100",
                     *             "country": "KE"
                     *           },
                     *           "locale": "en",
                     *           "smsOptOut": false,
                     *           "metadata": {
                     *             "floor": 3
                     *           },
                     *           "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *           "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *           "photoUrls": {
                     *             "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *             "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *             "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *           },
                     *           "userId": null,
                     *           "createdAt": "2026-11-20T09:30:00.000Z",
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "updatedAt": "2026-11-21T14:05:12.345Z",
                     *           "updatedBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "version": 2,
                     *           "deletedAt": null
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["CustomerPage"];
                };
            };
        };
    };
    createCustomer: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "externalId": "shop-17",
                 *       "name": "Ana",
                 *       "surname": "Lovelace",
                 *       "email": "ana@example.com",
                 *       "phone": "+254711000111",
                 *       "tags": [
                 *         "wholesale"
                 *       ],
                 *       "address": {
                 *         "street": "12 Analytical Row",
                 *         "city": "Nairobi",
                 *         "postalCode": "00100",
                 *         "country": "KE"
                 *       },
                 *       "locale": "en",
                 *       "smsOptOut": false,
                 *       "metadata": {
                 *         "floor": 3
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewCustomer"];
                /**
                 * @example {
                 *       "name": "Ana",
                 *       "surname": "Lovelace",
                 *       "phone": "+254711000111",
                 *       "tags": [
                 *         "wholesale"
                 *       ],
                 *       "address": "{\"street\":\"12 Analytical Row\",\"city\":\"Nairobi\",\"postalCode\":\"00100\",\"country\":\"KE\"}"
                 *     }
                 */
                "multipart/form-data": components["schemas"]["NewCustomerForm"];
            };
        };
        responses: {
            /** @description Create a customer */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "code": "CUS-000123",
                     *       "externalId": "shop-17",
                     *       "name": "Ana",
                     *       "surname": "Lovelace",
                     *       "email": "ana@example.com",
                     *       "phone": "+254711000111",
                     *       "tags": [
                     *         "wholesale"
                     *       ],
                     *       "address": {
                     *         "street": "12 Analytical Row",
                     *         "city": "Nairobi",
                     *         "postalCode": "00100",
                     *         "country": "KE"
                     *       },
                     *       "locale": "en",
                     *       "smsOptOut": false,
                     *       "metadata": {
                     *         "floor": 3
                     *       },
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "userId": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Customer"];
                };
            };
        };
    };
    getCustomerTimeline: {
        parameters: {
            query?: {
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description Rows per page. Default: 50. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-seq`. */
                sort?: ("seq" | "-seq")[];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
                /** @description Event types such as `order.placed.v1`, and kinds such as `order.*`, separated by commas. */
                type?: string[];
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List what happened to a customer, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-0000000000e1",
                     *           "seq": 48211,
                     *           "type": "customer.updated.v1",
                     *           "at": "2026-11-21T14:05:12.345Z",
                     *           "actor": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "subject": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "changes": [
                     *             {
                     *               "field": "surname",
                     *               "from": "Byron",
                     *               "to": "Lovelace"
                     *             }
                     *           ],
                     *           "about": {
                     *             "kind": "customer",
                     *             "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "label": "Ana Lovelace",
                     *             "code": "CUS-000123"
                     *           },
                     *           "redacted": false
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["RecordedEventPage"];
                };
            };
        };
    };
    getCustomer: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
                /** @description `true` finds the customer also in the trash; `deletedAt` says since when it is there. It works with the id and `idBy=code`. */
                trashed?: boolean;
            };
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a customer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "code": "CUS-000123",
                     *       "externalId": "shop-17",
                     *       "name": "Ana",
                     *       "surname": "Lovelace",
                     *       "email": "ana@example.com",
                     *       "phone": "+254711000111",
                     *       "tags": [
                     *         "wholesale"
                     *       ],
                     *       "address": {
                     *         "street": "12 Analytical Row",
                     *         "city": "Nairobi",
                     *         "postalCode": "00100",
                     *         "country": "KE"
                     *       },
                     *       "locale": "en",
                     *       "smsOptOut": false,
                     *       "metadata": {
                     *         "floor": 3
                     *       },
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "userId": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Customer"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    replaceCustomer: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
                /** @description `*`: if the resource exists, the response is 412. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "externalId": "shop-17",
                 *       "name": "Ana",
                 *       "surname": "Lovelace",
                 *       "email": "ana@example.com",
                 *       "phone": "+254711000111",
                 *       "tags": [
                 *         "wholesale"
                 *       ],
                 *       "address": {
                 *         "street": "12 Analytical Row",
                 *         "city": "Nairobi",
                 *         "postalCode": "00100",
                 *         "country": "KE"
                 *       },
                 *       "locale": "en",
                 *       "smsOptOut": false,
                 *       "metadata": {
                 *         "floor": 3
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewCustomer"];
            };
        };
        responses: {
            /** @description Replace a customer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "code": "CUS-000123",
                     *       "externalId": "shop-17",
                     *       "name": "Ana",
                     *       "surname": "Lovelace",
                     *       "email": "ana@example.com",
                     *       "phone": "+254711000111",
                     *       "tags": [
                     *         "wholesale"
                     *       ],
                     *       "address": {
                     *         "street": "12 Analytical Row",
                     *         "city": "Nairobi",
                     *         "postalCode": "00100",
                     *         "country": "KE"
                     *       },
                     *       "locale": "en",
                     *       "smsOptOut": false,
                     *       "metadata": {
                     *         "floor": 3
                     *       },
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "userId": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Customer"];
                };
            };
            /** @description Replace a customer */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "code": "CUS-000123",
                     *       "externalId": "shop-17",
                     *       "name": "Ana",
                     *       "surname": "Lovelace",
                     *       "email": "ana@example.com",
                     *       "phone": "+254711000111",
                     *       "tags": [
                     *         "wholesale"
                     *       ],
                     *       "address": {
                     *         "street": "12 Analytical Row",
                     *         "city": "Nairobi",
                     *         "postalCode": "00100",
                     *         "country": "KE"
                     *       },
                     *       "locale": "en",
                     *       "smsOptOut": false,
                     *       "metadata": {
                     *         "floor": 3
                     *       },
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "userId": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Customer"];
                };
            };
        };
    };
    deleteCustomer: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
                /** @description `true` purges the customer, which removes it for good, instead of moving it to the trash. Purging requires the role `admin`. */
                purge?: boolean;
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Move a customer to the trash, or purge it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateCustomer: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "phone": "+254711000222",
                 *       "tags": [
                 *         "wholesale",
                 *         "vip"
                 *       ],
                 *       "address": {
                 *         "city": "Mombasa"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["CustomerPatch"];
                /**
                 * @example {
                 *       "phone": "+254711000222",
                 *       "tags": [
                 *         "wholesale",
                 *         "vip"
                 *       ],
                 *       "address": {
                 *         "city": "Mombasa"
                 *       }
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["CustomerPatch"];
            };
        };
        responses: {
            /** @description Update a customer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "code": "CUS-000123",
                     *       "externalId": "shop-17",
                     *       "name": "Ana",
                     *       "surname": "Lovelace",
                     *       "email": "ana@example.com",
                     *       "phone": "+254711000111",
                     *       "tags": [
                     *         "wholesale"
                     *       ],
                     *       "address": {
                     *         "street": "12 Analytical Row",
                     *         "city": "Nairobi",
                     *         "postalCode": "00100",
                     *         "country": "KE"
                     *       },
                     *       "locale": "en",
                     *       "smsOptOut": false,
                     *       "metadata": {
                     *         "floor": 3
                     *       },
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "userId": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Customer"];
                };
            };
        };
    };
    listCustomerEditors: {
        parameters: {
            query?: {
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                firstAt?: string;
                /** @description Whether there is a value. */
                "firstAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "firstAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "firstAt[gte]"?: string;
                /** @description Less than the value. */
                "firstAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "firstAt[lte]"?: string;
                /** @description Not equal to the value. */
                "firstAt[ne]"?: string;
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                lastAt?: string;
                /** @description Whether there is a value. */
                "lastAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "lastAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "lastAt[gte]"?: string;
                /** @description Less than the value. */
                "lastAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "lastAt[lte]"?: string;
                /** @description Not equal to the value. */
                "lastAt[ne]"?: string;
                /** @description Rows per page. Default: 50. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-lastAt`. */
                sort?: ("lastAt" | "-lastAt" | "firstAt" | "-firstAt")[];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
                /** @description The id of a user, or `me` for the signed-in user. */
                user?: string[];
                /** @description Whether there is a value. */
                "user[exists]"?: boolean;
                /** @description Not equal to the value. */
                "user[ne]"?: string[];
            };
            header?: never;
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the users who created or changed a customer, latest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "user": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "firstAt": "2026-11-20T09:30:00.000Z",
                     *           "lastAt": "2026-11-21T14:05:12.345Z",
                     *           "edits": 2
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["CustomerEditorPage"];
                };
            };
        };
    };
    getCustomerPhoto: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
                /** @description The size of the image: `original`, `medium` (sides of at most 1024 pixels) or `thumb` (at most 320). Default: `medium`. */
                variant?: components["schemas"]["MediaVariant"];
            };
            header?: never;
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the photo of a customer */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    replaceCustomerPhoto: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
                /** @description `*`: if the resource exists, the response is 412. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "mediaId": "0190a5c4-6f00-7000-8000-0000000000aa"
                 *     }
                 */
                "application/json": components["schemas"]["CustomerPhoto"];
                "image/*": Blob;
                "multipart/form-data": components["schemas"]["PhotoForm"];
            };
        };
        responses: {
            /** @description Replace the photo of a customer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "code": "CUS-000123",
                     *       "externalId": "shop-17",
                     *       "name": "Ana",
                     *       "surname": "Lovelace",
                     *       "email": "ana@example.com",
                     *       "phone": "+254711000111",
                     *       "tags": [
                     *         "wholesale"
                     *       ],
                     *       "address": {
                     *         "street": "12 Analytical Row",
                     *         "city": "Nairobi",
                     *         "postalCode": "00100",
                     *         "country": "KE"
                     *       },
                     *       "locale": "en",
                     *       "smsOptOut": false,
                     *       "metadata": {
                     *         "floor": 3
                     *       },
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "userId": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Customer"];
                };
            };
        };
    };
    deleteCustomerPhoto: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete the photo of a customer */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    restoreCustomer: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "email" | "code" | "externalId";
            };
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The id of the customer, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Restore a customer from the trash */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "code": "CUS-000123",
                     *       "externalId": "shop-17",
                     *       "name": "Ana",
                     *       "surname": "Lovelace",
                     *       "email": "ana@example.com",
                     *       "phone": "+254711000111",
                     *       "tags": [
                     *         "wholesale"
                     *       ],
                     *       "address": {
                     *         "street": "12 Analytical Row",
                     *         "city": "Nairobi",
                     *         "postalCode": "00100",
                     *         "country": "KE"
                     *       },
                     *       "locale": "en",
                     *       "smsOptOut": false,
                     *       "metadata": {
                     *         "floor": 3
                     *       },
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "userId": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Customer"];
                };
            };
        };
    };
    batchCustomers: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "op": "create",
                 *           "data": {
                 *             "name": "Bea",
                 *             "surname": "Turing"
                 *           }
                 *         },
                 *         {
                 *           "op": "create",
                 *           "data": {
                 *             "name": "Cleo",
                 *             "surname": "Hopper",
                 *             "tags": [
                 *               "wholesale"
                 *             ]
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["CustomerBatch"];
            };
        };
        responses: {
            /** @description Change up to 500 customers in one request */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "results": [
                     *         {
                     *           "index": 0,
                     *           "status": 201,
                     *           "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "customer": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "code": "CUS-000123",
                     *             "externalId": "shop-17",
                     *             "name": "Ana",
                     *             "surname": "Lovelace",
                     *             "email": "ana@example.com",
                     *             "phone": "+254711000111",
                     *             "tags": [
                     *               "wholesale"
                     *             ],
                     *             "address": {
                     *               "street": "12 Analytical Row",
                     *               "city": "Nairobi",
                     *               "postalCode": "00100",
                     *               "country": "KE"
                     *             },
                     *             "locale": "en",
                     *             "smsOptOut": false,
                     *             "metadata": {
                     *               "floor": 3
                     *             },
                     *             "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *             "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *             "photoUrls": {
                     *               "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *               "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *               "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *             },
                     *             "userId": null,
                     *             "createdAt": "2026-11-20T09:30:00.000Z",
                     *             "createdBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "updatedAt": "2026-11-21T14:05:12.345Z",
                     *             "updatedBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "version": 2,
                     *             "deletedAt": null
                     *           }
                     *         },
                     *         {
                     *           "index": 1,
                     *           "status": 422,
                     *           "problem": {
                     *             "type": "/problems/validation",
                     *             "title": "Invalid fields",
                     *             "status": 422,
                     *             "code": "validation",
                     *             "detail": "1 field is not valid",
                     *             "errors": [
                     *               {
                     *                 "pointer": "/surname",
                     *                 "code": "required",
                     *                 "message": "is required"
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "counts": {
                     *         "succeeded": 1,
                     *         "failed": 1
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["CustomerBatchResult"];
                };
            };
            /** @description Change up to 500 customers in one request */
            207: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "results": [
                     *         {
                     *           "index": 0,
                     *           "status": 201,
                     *           "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "customer": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "code": "CUS-000123",
                     *             "externalId": "shop-17",
                     *             "name": "Ana",
                     *             "surname": "Lovelace",
                     *             "email": "ana@example.com",
                     *             "phone": "+254711000111",
                     *             "tags": [
                     *               "wholesale"
                     *             ],
                     *             "address": {
                     *               "street": "12 Analytical Row",
                     *               "city": "Nairobi",
                     *               "postalCode": "00100",
                     *               "country": "KE"
                     *             },
                     *             "locale": "en",
                     *             "smsOptOut": false,
                     *             "metadata": {
                     *               "floor": 3
                     *             },
                     *             "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *             "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *             "photoUrls": {
                     *               "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *               "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *               "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *             },
                     *             "userId": null,
                     *             "createdAt": "2026-11-20T09:30:00.000Z",
                     *             "createdBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "updatedAt": "2026-11-21T14:05:12.345Z",
                     *             "updatedBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "version": 2,
                     *             "deletedAt": null
                     *           }
                     *         },
                     *         {
                     *           "index": 1,
                     *           "status": 422,
                     *           "problem": {
                     *             "type": "/problems/validation",
                     *             "title": "Invalid fields",
                     *             "status": 422,
                     *             "code": "validation",
                     *             "detail": "1 field is not valid",
                     *             "errors": [
                     *               {
                     *                 "pointer": "/surname",
                     *                 "code": "required",
                     *                 "message": "is required"
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "counts": {
                     *         "succeeded": 1,
                     *         "failed": 1
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["CustomerBatchResult"];
                };
            };
        };
    };
    startBulkChange: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "op": "tag",
                 *       "filter": {
                 *         "tag": "wholesale",
                 *         "createdAt[lt]": "2026-01-01T00:00:00.000Z"
                 *       },
                 *       "add": [
                 *         "loyal"
                 *       ],
                 *       "expect": 212
                 *     }
                 */
                "application/json": components["schemas"]["NewCustomerBulkChange"];
            };
        };
        responses: {
            /** @description Change all customers that match a filter */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    undoBulkChange: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Undo a bulk change or the new name of a tag */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    summariseCustomers: {
        parameters: {
            query?: {
                /** @description The time zone in which days begin, by its name in the IANA database. Default: the shop's, which `GET /v1/config` shows. */
                timeZone?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Count the customers: all, new ones, with a photo, in the trash */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "total": 1204,
                     *       "newToday": 3,
                     *       "newThisWeek": 17,
                     *       "newThisMonth": 61,
                     *       "withPhoto": 880,
                     *       "inTrash": 12,
                     *       "timeZone": "Africa/Nairobi",
                     *       "countedAt": "2026-11-20T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["CustomerSummary"];
                };
            };
        };
    };
    listEvents: {
        parameters: {
            query?: {
                /** @description The `nextCursor` of the page before, or the `seq` of the event after which to begin. */
                cursor?: string;
                /** @description Events per page. Default: 50. */
                limit?: number;
                /** @description Where to begin without a cursor: at the first event that was recorded at this time or later. A time (RFC 3339), or a day. Default: the oldest event. With a cursor it has no effect. */
                since?: string;
                /** @description The id of the record that events are about. */
                subject?: string;
                /** @description Event types such as `order.placed.v1`, and kinds such as `order.*`, separated by commas. */
                type?: string[];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Read events, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "specversion": "1.0",
                     *           "id": "0190a5c4-6f00-7000-8000-0000000000e1",
                     *           "source": "/customer-service",
                     *           "type": "customer.updated.v1",
                     *           "subject": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "time": "2026-11-21T14:05:12.345Z",
                     *           "datacontenttype": "application/json",
                     *           "data": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "code": "CUS-000123",
                     *             "name": "Ana",
                     *             "surname": "Lovelace",
                     *             "version": 2,
                     *             "actor": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "changed": [
                     *               "surname"
                     *             ],
                     *             "previous": {
                     *               "surname": "Byron"
                     *             }
                     *           },
                     *           "seq": 48211
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": "48211",
                     *         "hasMore": false
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["EventFeed"];
                };
            };
        };
    };
    streamEvents: {
        parameters: {
            query?: {
                /** @description Whether each event of imports and the like is sent. By default they are only counted: once a second, `event: bulk` has how many there were by type. */
                bulk?: "true" | "false";
                /** @description The same as `Last-Event-ID`, which wins, for clients that cannot set headers. */
                lastEventId?: string;
                /** @description The id of the record that events are about. */
                subject?: string;
                /** @description Event types such as `order.placed.v1`, and kinds such as `order.*`, separated by commas. */
                type?: string[];
            };
            header?: {
                /** @description The `id` that was received last. The stream continues with what came after it. */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Server-sent events. `data` is an event as `GET /v1/events` lists it, without `seq`, which is the `id`. A client that continues after an `id` gets every event after it once, in order. `event: resync` says that events were left out, by its `reason`: the client was too far `behind`, did not read (`slow`), or its last id is `unknown`. Read again what you show. `event: bulk` has `counts` of events of imports by type. `event: bye` is the end, by its `reason`: the `token` ends, so come back with a new one, or `shutdown`. A comment comes every 15 s when nothing else does. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example retry: 2000
                     *
                     *     id: 48211
                     *     data: {"specversion":"1.0","id":"0190a5c4-6f00-7000-8000-00000000000a","type":"customer.updated.v1"}
                     *
                     *     : ok
                     */
                    "text/event-stream": string;
                };
            };
        };
    };
    createExport: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "format": "csv",
                 *       "filter": {
                 *         "tag": "wholesale",
                 *         "sort": [
                 *           "-createdAt"
                 *         ]
                 *       },
                 *       "fields": [
                 *         "name",
                 *         "surname",
                 *         "email"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewCustomerExport"];
            };
        };
        responses: {
            /** @description Create an export of customers */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    listImports: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user. */
                createdBy?: string[];
                /** @description Whether there is a value. */
                "createdBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "createdBy[ne]"?: string[];
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. */
                sort?: ("createdAt" | "-createdAt")[];
                /** @description One of `checking`, `checked`, `importing`, `finished`, `failed`, `cancelled`, `undoing`, `undone`. */
                status?: components["schemas"]["ImportStatus"][];
                /** @description Not equal to the value. */
                "status[ne]"?: components["schemas"]["ImportStatus"][];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List imports of customers, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000060",
                     *           "status": "checked",
                     *           "name": "customers.csv",
                     *           "format": "csv",
                     *           "delimiter": ",",
                     *           "sheet": null,
                     *           "sheets": [],
                     *           "encoding": "utf-8",
                     *           "encodingBy": "valid",
                     *           "headerRow": 1,
                     *           "bytes": 48213,
                     *           "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *           "columns": [
                     *             "First name",
                     *             "Mail",
                     *             "Notes"
                     *           ],
                     *           "preset": null,
                     *           "mapping": {
                     *             "First name": "name",
                     *             "Mail": "email"
                     *           },
                     *           "unmapped": [
                     *             "Notes"
                     *           ],
                     *           "matchBy": "email",
                     *           "onMatch": "update",
                     *           "country": null,
                     *           "decimal": "point",
                     *           "tags": "replace",
                     *           "warnings": [],
                     *           "total": 1200,
                     *           "counts": {
                     *             "read": 1200,
                     *             "created": 1000,
                     *             "updated": 197,
                     *             "skipped": 0,
                     *             "failed": 3
                     *           },
                     *           "progress": 1,
                     *           "errors": [
                     *             {
                     *               "row": 17,
                     *               "pointer": "/email",
                     *               "code": "invalid_format",
                     *               "message": "Mail must be an e-mail address such as ana@example.com"
                     *             }
                     *           ],
                     *           "errorsUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/errors",
                     *           "error": null,
                     *           "previousImportId": null,
                     *           "jobId": "0190a5c4-6f00-7000-8000-000000000050",
                     *           "createdAt": "2026-11-20T09:30:00.000Z",
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "finishedAt": null,
                     *           "expiresAt": "2026-11-27T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ImportPage"];
                };
            };
        };
    };
    createImport: {
        parameters: {
            query?: {
                /** @description The country of telephone numbers without a country code, for rows that have no country of their own. Default: that of the shop. */
                country?: string;
                /** @description The decimal mark of numbers in text. The other one separates thousands. Default: `point`. */
                decimal?: components["schemas"]["DecimalMark"];
                /** @description The character that separates the cells of CSV. Default: detected. */
                delimiter?: string;
                /** @description The character encoding, such as `windows-1252`. Default: detected. */
                encoding?: string;
                /** @description The format of the file. Default: detected from the content. */
                format?: components["schemas"]["TableFormat"];
                /** @description Whether the first row of a CSV file or a sheet, after the rows to `skip`, names the columns. Default: detected. */
                header?: boolean;
                /** @description A JSON object from columns to fields, such as `{"Mail":"email"}`. Default: suggested from the names of the columns. */
                mapping?: string;
                /** @description The match key: a row belongs to the record that has the same value of this field. Default: `id` or `code` if all values of such a column are ours in form; otherwise `email` for customers, `sku` for products. */
                matchBy?: string;
                /** @description The file name to show. */
                name?: string;
                /** @description What to do with a row that belongs to an existing record. Default: `update`. */
                onMatch?: components["schemas"]["OnMatch"];
                /** @description The program that exported the customers, by which the mapping is suggested; `none` for none. Default: recognised by the columns. */
                preset?: components["schemas"]["ImportPresetChoice"];
                /** @description The name of the sheet of a workbook, or its number from 1. Default: the first one that is not hidden. */
                sheet?: string;
                skip?: number;
                /** @description Whether the tags of a row replace those of an existing customer or are added. Default: `replace`. */
                tags?: components["schemas"]["TagsMode"];
            };
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": Blob;
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Blob;
                "application/x-ndjson": Blob;
                /**
                 * @example {
                 *       "format": "csv",
                 *       "onMatch": "update",
                 *       "file": "name,surname,email\nAna,Lovelace,ana@example.com\n"
                 *     }
                 */
                "multipart/form-data": components["schemas"]["ImportForm"];
                "text/csv": Blob;
            };
        };
        responses: {
            /** @description Create an import of customers and start its dry run */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000060",
                     *       "status": "checked",
                     *       "name": "customers.csv",
                     *       "format": "csv",
                     *       "delimiter": ",",
                     *       "sheet": null,
                     *       "sheets": [],
                     *       "encoding": "utf-8",
                     *       "encodingBy": "valid",
                     *       "headerRow": 1,
                     *       "bytes": 48213,
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "columns": [
                     *         "First name",
                     *         "Mail",
                     *         "Notes"
                     *       ],
                     *       "preset": null,
                     *       "mapping": {
                     *         "First name": "name",
                     *         "Mail": "email"
                     *       },
                     *       "unmapped": [
                     *         "Notes"
                     *       ],
                     *       "matchBy": "email",
                     *       "onMatch": "update",
                     *       "country": null,
                     *       "decimal": "point",
                     *       "tags": "replace",
                     *       "warnings": [],
                     *       "total": 1200,
                     *       "counts": {
                     *         "read": 1200,
                     *         "created": 1000,
                     *         "updated": 197,
                     *         "skipped": 0,
                     *         "failed": 3
                     *       },
                     *       "progress": 1,
                     *       "errors": [
                     *         {
                     *           "row": 17,
                     *           "pointer": "/email",
                     *           "code": "invalid_format",
                     *           "message": "Mail must be an e-mail address such as ana@example.com"
                     *         }
                     *       ],
                     *       "errorsUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/errors",
                     *       "error": null,
                     *       "previousImportId": null,
                     *       "jobId": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "finishedAt": null,
                     *       "expiresAt": "2026-11-27T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    getImport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get an import of customers with its progress, counts and first errors */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000060",
                     *       "status": "checked",
                     *       "name": "customers.csv",
                     *       "format": "csv",
                     *       "delimiter": ",",
                     *       "sheet": null,
                     *       "sheets": [],
                     *       "encoding": "utf-8",
                     *       "encodingBy": "valid",
                     *       "headerRow": 1,
                     *       "bytes": 48213,
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "columns": [
                     *         "First name",
                     *         "Mail",
                     *         "Notes"
                     *       ],
                     *       "preset": null,
                     *       "mapping": {
                     *         "First name": "name",
                     *         "Mail": "email"
                     *       },
                     *       "unmapped": [
                     *         "Notes"
                     *       ],
                     *       "matchBy": "email",
                     *       "onMatch": "update",
                     *       "country": null,
                     *       "decimal": "point",
                     *       "tags": "replace",
                     *       "warnings": [],
                     *       "total": 1200,
                     *       "counts": {
                     *         "read": 1200,
                     *         "created": 1000,
                     *         "updated": 197,
                     *         "skipped": 0,
                     *         "failed": 3
                     *       },
                     *       "progress": 1,
                     *       "errors": [
                     *         {
                     *           "row": 17,
                     *           "pointer": "/email",
                     *           "code": "invalid_format",
                     *           "message": "Mail must be an e-mail address such as ana@example.com"
                     *         }
                     *       ],
                     *       "errorsUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/errors",
                     *       "error": null,
                     *       "previousImportId": null,
                     *       "jobId": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "finishedAt": null,
                     *       "expiresAt": "2026-11-27T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    deleteImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cancel or delete an import of customers */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "onMatch": "skip"
                 *     }
                 */
                "application/json": components["schemas"]["ImportPatch"];
                /**
                 * @example {
                 *       "onMatch": "skip"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["ImportPatch"];
            };
        };
        responses: {
            /** @description Update the options of an import of customers and repeat its dry run */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000060",
                     *       "status": "checked",
                     *       "name": "customers.csv",
                     *       "format": "csv",
                     *       "delimiter": ",",
                     *       "sheet": null,
                     *       "sheets": [],
                     *       "encoding": "utf-8",
                     *       "encodingBy": "valid",
                     *       "headerRow": 1,
                     *       "bytes": 48213,
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "columns": [
                     *         "First name",
                     *         "Mail",
                     *         "Notes"
                     *       ],
                     *       "preset": null,
                     *       "mapping": {
                     *         "First name": "name",
                     *         "Mail": "email"
                     *       },
                     *       "unmapped": [
                     *         "Notes"
                     *       ],
                     *       "matchBy": "email",
                     *       "onMatch": "update",
                     *       "country": null,
                     *       "decimal": "point",
                     *       "tags": "replace",
                     *       "warnings": [],
                     *       "total": 1200,
                     *       "counts": {
                     *         "read": 1200,
                     *         "created": 1000,
                     *         "updated": 197,
                     *         "skipped": 0,
                     *         "failed": 3
                     *       },
                     *       "progress": 1,
                     *       "errors": [
                     *         {
                     *           "row": 17,
                     *           "pointer": "/email",
                     *           "code": "invalid_format",
                     *           "message": "Mail must be an e-mail address such as ana@example.com"
                     *         }
                     *       ],
                     *       "errorsUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/errors",
                     *       "error": null,
                     *       "previousImportId": null,
                     *       "jobId": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "finishedAt": null,
                     *       "expiresAt": "2026-11-27T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    commitImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "onMatch": "update"
                 *     }
                 */
                "application/json": components["schemas"]["ImportCommit"];
            };
        };
        responses: {
            /** @description Commit an import of customers */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    previewImport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Show the first 20 rows of an import as the customers that they would become */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "rows": [
                     *         {
                     *           "row": 2,
                     *           "outcome": "created",
                     *           "values": {
                     *             "name": "Ana",
                     *             "surname": "Lovelace",
                     *             "email": "ana@example.com",
                     *             "phone": "+254711000111"
                     *           },
                     *           "errors": []
                     *         },
                     *         {
                     *           "row": 3,
                     *           "outcome": "failed",
                     *           "values": {},
                     *           "errors": [
                     *             {
                     *               "row": 3,
                     *               "pointer": "/email",
                     *               "code": "invalid_format",
                     *               "message": "Mail must be an e-mail address"
                     *             }
                     *           ]
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["ImportPreview"];
                };
            };
        };
    };
    undoImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Undo an import of customers */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    listJobs: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                kind?: string;
                /** @description Contains the text, in upper or lower case. */
                "kind[contains]"?: string;
                /** @description Whether there is a value. */
                "kind[exists]"?: boolean;
                /** @description Not equal to the value. */
                "kind[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "kind[startsWith]"?: string;
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description The id of the import that the job belongs to. */
                parent?: string[];
                /** @description Whether there is a value. */
                "parent[exists]"?: boolean;
                /** @description Not equal to the value. */
                "parent[ne]"?: string[];
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. */
                sort?: ("createdAt" | "-createdAt")[];
                /** @description One of `queued`, `running`, `cancelling`, `succeeded`, `failed`, `cancelled`. */
                status?: components["schemas"]["JobStatus"][];
                /** @description Not equal to the value. */
                "status[ne]"?: components["schemas"]["JobStatus"][];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List jobs, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *           "kind": "export",
                     *           "status": "succeeded",
                     *           "progress": 1,
                     *           "counts": {
                     *             "rows": 1200
                     *           },
                     *           "error": null,
                     *           "result": {
                     *             "rows": 1200,
                     *             "bytes": 84213,
                     *             "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *           },
                     *           "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *           "errorsUrl": null,
                     *           "createdAt": "2026-11-20T09:30:00.000Z",
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "startedAt": "2026-11-20T09:30:01.000Z",
                     *           "finishedAt": "2026-11-20T09:30:04.000Z",
                     *           "expiresAt": "2026-11-27T09:30:04.000Z"
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["JobPage"];
                };
            };
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a job and its progress */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    deleteJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cancel or delete a job */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getJobErrors: {
        parameters: {
            query?: {
                /** @description The secret of a link; part of its URL. */
                link?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Download the errors of a job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": Blob;
                    "application/json": Blob;
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Blob;
                    "application/x-ndjson": Blob;
                    "text/csv": Blob;
                };
            };
        };
    };
    createJobErrorsLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Create a link to the errors of a job */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "url": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result?link=kq8sZ2n0cGFfYxV3b1RtLw",
                     *       "expiresAt": "2026-11-20T09:35:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["JobFileLink"];
                };
            };
        };
    };
    getJobResult: {
        parameters: {
            query?: {
                /** @description The secret of a link; part of its URL. */
                link?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Download the result of a job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": Blob;
                    "application/json": Blob;
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Blob;
                    "application/x-ndjson": Blob;
                    "text/csv": Blob;
                };
            };
        };
    };
    createJobResultLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Create a link to the result of a job */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "url": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result?link=kq8sZ2n0cGFfYxV3b1RtLw",
                     *       "expiresAt": "2026-11-20T09:35:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["JobFileLink"];
                };
            };
        };
    };
    uploadMedia: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["MediaUpload"];
            };
        };
        responses: {
            /** @description Upload an image */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "mimeType": "image/jpeg",
                     *       "bytes": 84213,
                     *       "width": 1600,
                     *       "height": 1200,
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "url": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk",
                     *       "variants": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "notes": [],
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Media"];
                };
            };
        };
    };
    getMedia: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the metadata of an image */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "mimeType": "image/jpeg",
                     *       "bytes": 84213,
                     *       "width": 1600,
                     *       "height": 1200,
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "url": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk",
                     *       "variants": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "notes": [],
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Media"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deleteMedia: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete an image */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getMediaContent: {
        parameters: {
            query?: {
                /** @description Part of a signed link. */
                expires?: string;
                /** @description Part of a signed link. */
                signature?: string;
                /** @description The size of the image: `original`, `medium` (sides of at most 1024 pixels) or `thumb` (at most 320). Default: `original`. */
                variant?: components["schemas"]["MediaVariant"];
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the content of an image */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": Blob;
                    "image/png": Blob;
                    "image/webp": Blob;
                };
            };
            /** @description Get the content of an image */
            206: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/jpeg": Blob;
                    "image/png": Blob;
                    "image/webp": Blob;
                };
            };
            /** @description Get the content of an image */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Get the content of an image */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listNotifications: {
        parameters: {
            query?: {
                /** @description One of `sms`, `email`. */
                channel?: components["schemas"]["NotificationChannel"][];
                /** @description Not equal to the value. */
                "channel[ne]"?: components["schemas"]["NotificationChannel"][];
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description A UUID. */
                customerId?: string[];
                /** @description Whether there is a value. */
                "customerId[exists]"?: boolean;
                /** @description Not equal to the value. */
                "customerId[ne]"?: string[];
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description `customer` shows the whole customer of each record, as `GET /v1/customers/{key}` does. If customers cannot be read within two seconds, the records come with the short form: `id`, `code` and `displayName`. */
                include?: "customer";
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description A UUID. */
                orderId?: string[];
                /** @description Whether there is a value. */
                "orderId[exists]"?: boolean;
                /** @description Not equal to the value. */
                "orderId[ne]"?: string[];
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. */
                q?: string;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("createdAt" | "-createdAt" | "updatedAt" | "-updatedAt" | "relevance")[];
                /** @description One of `queued`, `sent`, `delivered`, `failed`, `skipped`. */
                status?: components["schemas"]["NotificationStatus"][];
                /** @description Not equal to the value. */
                "status[ne]"?: components["schemas"]["NotificationStatus"][];
                /** @description A template, such as `order-placed`. Separate alternatives with commas. */
                template?: string;
                /** @description Not equal to the value. */
                "template[ne]"?: string;
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List notifications, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000040",
                     *           "channel": "sms",
                     *           "to": "+254711***111",
                     *           "template": "order-placed",
                     *           "locale": "en",
                     *           "status": "delivered",
                     *           "provider": "africastalking",
                     *           "reason": null,
                     *           "fallbackReason": null,
                     *           "cost": "KES 0.8000",
                     *           "attempts": 1,
                     *           "orderId": "0190a5c4-6f00-7000-8000-000000000020",
                     *           "orderNumber": "ORD-000123",
                     *           "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "customer": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "code": "CUS-000123",
                     *             "displayName": "Ana Lovelace"
                     *           },
                     *           "createdAt": "2026-11-20T09:30:01.000Z",
                     *           "sentAt": "2026-11-20T09:30:02.000Z",
                     *           "deliveredAt": "2026-11-20T09:30:05.000Z",
                     *           "updatedAt": "2026-11-20T09:30:05.000Z",
                     *           "version": 3
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["NotificationPage"];
                };
            };
        };
    };
    getNotification: {
        parameters: {
            query?: {
                /** @description `customer` shows the whole customer of each record, as `GET /v1/customers/{key}` does. If customers cannot be read within two seconds, the records come with the short form: `id`, `code` and `displayName`. */
                include?: "customer";
            };
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a notification with its text */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000040",
                     *       "channel": "sms",
                     *       "to": "+254711***111",
                     *       "template": "order-placed",
                     *       "locale": "en",
                     *       "status": "delivered",
                     *       "provider": "africastalking",
                     *       "reason": null,
                     *       "fallbackReason": null,
                     *       "cost": "KES 0.8000",
                     *       "attempts": 1,
                     *       "orderId": "0190a5c4-6f00-7000-8000-000000000020",
                     *       "orderNumber": "ORD-000123",
                     *       "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "customer": {
                     *         "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "code": "CUS-000123",
                     *         "displayName": "Ana Lovelace"
                     *       },
                     *       "createdAt": "2026-11-20T09:30:01.000Z",
                     *       "sentAt": "2026-11-20T09:30:02.000Z",
                     *       "deliveredAt": "2026-11-20T09:30:05.000Z",
                     *       "updatedAt": "2026-11-20T09:30:05.000Z",
                     *       "version": 3,
                     *       "subject": null,
                     *       "text": "Ana, thank you for your order ***: KES ***. Duka"
                     *     }
                     */
                    "application/json": components["schemas"]["NotificationWithText"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    retryNotification: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Retry a failed or skipped notification */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000040",
                     *       "channel": "sms",
                     *       "to": "+254711***111",
                     *       "template": "order-placed",
                     *       "locale": "en",
                     *       "status": "delivered",
                     *       "provider": "africastalking",
                     *       "reason": null,
                     *       "fallbackReason": null,
                     *       "cost": "KES 0.8000",
                     *       "attempts": 1,
                     *       "orderId": "0190a5c4-6f00-7000-8000-000000000020",
                     *       "orderNumber": "ORD-000123",
                     *       "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "customer": {
                     *         "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "code": "CUS-000123",
                     *         "displayName": "Ana Lovelace"
                     *       },
                     *       "createdAt": "2026-11-20T09:30:01.000Z",
                     *       "sentAt": "2026-11-20T09:30:02.000Z",
                     *       "deliveredAt": "2026-11-20T09:30:05.000Z",
                     *       "updatedAt": "2026-11-20T09:30:05.000Z",
                     *       "version": 3
                     *     }
                     */
                    "application/json": components["schemas"]["Notification"];
                };
            };
        };
    };
    createOrderExport: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "format": "ndjson",
                 *       "filter": {
                 *         "status": [
                 *           "placed"
                 *         ],
                 *         "placedAt[gte]": "2026-11-01T00:00:00.000Z"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewOrderExport"];
            };
        };
        responses: {
            /** @description Create an export of orders with their lines */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    listOrderJobs: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                kind?: string;
                /** @description Contains the text, in upper or lower case. */
                "kind[contains]"?: string;
                /** @description Whether there is a value. */
                "kind[exists]"?: boolean;
                /** @description Not equal to the value. */
                "kind[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "kind[startsWith]"?: string;
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description The id of the import that the job belongs to. */
                parent?: string[];
                /** @description Whether there is a value. */
                "parent[exists]"?: boolean;
                /** @description Not equal to the value. */
                "parent[ne]"?: string[];
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. */
                sort?: ("createdAt" | "-createdAt")[];
                /** @description One of `queued`, `running`, `cancelling`, `succeeded`, `failed`, `cancelled`. */
                status?: components["schemas"]["JobStatus"][];
                /** @description Not equal to the value. */
                "status[ne]"?: components["schemas"]["JobStatus"][];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List jobs, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *           "kind": "export",
                     *           "status": "succeeded",
                     *           "progress": 1,
                     *           "counts": {
                     *             "rows": 1200
                     *           },
                     *           "error": null,
                     *           "result": {
                     *             "rows": 1200,
                     *             "bytes": 84213,
                     *             "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *           },
                     *           "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *           "errorsUrl": null,
                     *           "createdAt": "2026-11-20T09:30:00.000Z",
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "startedAt": "2026-11-20T09:30:01.000Z",
                     *           "finishedAt": "2026-11-20T09:30:04.000Z",
                     *           "expiresAt": "2026-11-27T09:30:04.000Z"
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["JobPage"];
                };
            };
        };
    };
    getOrderJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a job and its progress */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    deleteOrderJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cancel or delete a job */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getOrderJobErrors: {
        parameters: {
            query?: {
                /** @description The secret of a link; part of its URL. */
                link?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Download the errors of a job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": Blob;
                    "application/json": Blob;
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Blob;
                    "application/x-ndjson": Blob;
                    "text/csv": Blob;
                };
            };
        };
    };
    createOrderJobErrorsLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Create a link to the errors of a job */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "url": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result?link=kq8sZ2n0cGFfYxV3b1RtLw",
                     *       "expiresAt": "2026-11-20T09:35:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["JobFileLink"];
                };
            };
        };
    };
    getOrderJobResult: {
        parameters: {
            query?: {
                /** @description The secret of a link; part of its URL. */
                link?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Download the result of a job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/gzip": Blob;
                    "application/json": Blob;
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Blob;
                    "application/x-ndjson": Blob;
                    "text/csv": Blob;
                };
            };
        };
    };
    createOrderJobResultLink: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Create a link to the result of a job */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "url": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result?link=kq8sZ2n0cGFfYxV3b1RtLw",
                     *       "expiresAt": "2026-11-20T09:35:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["JobFileLink"];
                };
            };
        };
    };
    listOrders: {
        parameters: {
            query?: {
                /** @description The id of a user, or `me` for the signed-in user. */
                createdBy?: string[];
                /** @description Whether there is a value. */
                "createdBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "createdBy[ne]"?: string[];
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                currency?: string;
                /** @description Contains the text, in upper or lower case. */
                "currency[contains]"?: string;
                /** @description Whether there is a value. */
                "currency[exists]"?: boolean;
                /** @description Not equal to the value. */
                "currency[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "currency[startsWith]"?: string;
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description A UUID. */
                customerId?: string[];
                /** @description Whether there is a value. */
                "customerId[exists]"?: boolean;
                /** @description Not equal to the value. */
                "customerId[ne]"?: string[];
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description `customer` shows the whole customer of each record, as `GET /v1/customers/{key}` does. If customers cannot be read within two seconds, the records come with the short form: `id`, `code` and `displayName`. */
                include?: "customer";
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description An order number, such as `ORD-000123`. */
                number?: string[];
                /** @description Greater than the value. */
                "number[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "number[gte]"?: string;
                /** @description Less than the value. */
                "number[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "number[lte]"?: string;
                /** @description Not equal to the value. */
                "number[ne]"?: string[];
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                placedAt?: string;
                /** @description Greater than the value. */
                "placedAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "placedAt[gte]"?: string;
                /** @description Less than the value. */
                "placedAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "placedAt[lte]"?: string;
                /** @description The id of a product in the order. */
                productId?: string[];
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. */
                q?: string;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-placedAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("placedAt" | "-placedAt" | "updatedAt" | "-updatedAt" | "total" | "-total" | "number" | "-number" | "relevance")[];
                /** @description One of `placed`, `fulfilled`, `cancelled`. */
                status?: components["schemas"]["OrderStatus"][];
                /** @description Not equal to the value. */
                "status[ne]"?: components["schemas"]["OrderStatus"][];
                /** @description A number. Or how far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: string;
                /** @description Whether there is a value. */
                "total[exists]"?: boolean;
                /** @description Greater than the value. */
                "total[gt]"?: number;
                /** @description Greater than the value or equal to it. */
                "total[gte]"?: number;
                /** @description Less than the value. */
                "total[lt]"?: number;
                /** @description Less than the value or equal to it. */
                "total[lte]"?: number;
                /** @description Not equal to the value. */
                "total[ne]"?: number;
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                updatedAt?: string;
                /** @description Whether there is a value. */
                "updatedAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "updatedAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "updatedAt[gte]"?: string;
                /** @description Less than the value. */
                "updatedAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "updatedAt[lte]"?: string;
                /** @description Not equal to the value. */
                "updatedAt[ne]"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List orders, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *           "number": "ORD-000123",
                     *           "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *           "customer": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "code": "CUS-000123",
                     *             "displayName": "Ana Lovelace"
                     *           },
                     *           "status": "placed",
                     *           "lines": [
                     *             {
                     *               "id": "0190a5c4-6f00-7000-8000-000000000021",
                     *               "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *               "description": "Red Bull 250 ml",
                     *               "quantity": 15,
                     *               "unitPrice": "1.50",
                     *               "lineTotal": "22.50"
                     *             },
                     *             {
                     *               "id": "0190a5c4-6f00-7000-8000-000000000022",
                     *               "productId": null,
                     *               "description": "Delivery within a day",
                     *               "unitPrice": "4.90",
                     *               "quantity": 1,
                     *               "lineTotal": "4.90"
                     *             }
                     *           ],
                     *           "total": "27.40",
                     *           "currency": "EUR",
                     *           "note": "Ring twice",
                     *           "metadata": {
                     *             "channel": "web"
                     *           },
                     *           "placedAt": "2026-11-20T09:30:00.000Z",
                     *           "fulfilledAt": null,
                     *           "cancelledAt": null,
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "updatedAt": "2026-11-20T09:30:00.000Z",
                     *           "updatedBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "version": 1
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["OrderPage"];
                };
            };
        };
    };
    createOrder: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "lines": [
                 *         {
                 *           "description": "Delivery within a day",
                 *           "unitPrice": "4.90",
                 *           "quantity": 1
                 *         }
                 *       ],
                 *       "currency": "EUR",
                 *       "expectedTotal": "4.90",
                 *       "note": "Ring twice",
                 *       "metadata": {
                 *         "channel": "web"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["NewOrder"];
            };
        };
        responses: {
            /** @description Place an order */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *       "number": "ORD-000123",
                     *       "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "customer": {
                     *         "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "code": "CUS-000123",
                     *         "displayName": "Ana Lovelace"
                     *       },
                     *       "status": "placed",
                     *       "lines": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000021",
                     *           "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "description": "Red Bull 250 ml",
                     *           "quantity": 15,
                     *           "unitPrice": "1.50",
                     *           "lineTotal": "22.50"
                     *         },
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000022",
                     *           "productId": null,
                     *           "description": "Delivery within a day",
                     *           "unitPrice": "4.90",
                     *           "quantity": 1,
                     *           "lineTotal": "4.90"
                     *         }
                     *       ],
                     *       "total": "27.40",
                     *       "currency": "EUR",
                     *       "note": "Ring twice",
                     *       "metadata": {
                     *         "channel": "web"
                     *       },
                     *       "placedAt": "2026-11-20T09:30:00.000Z",
                     *       "fulfilledAt": null,
                     *       "cancelledAt": null,
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-20T09:30:00.000Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
        };
    };
    getOrder: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "number";
                /** @description `customer` shows the whole customer of each record, as `GET /v1/customers/{key}` does. If customers cannot be read within two seconds, the records come with the short form: `id`, `code` and `displayName`. */
                include?: "customer";
            };
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The id of the order, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get an order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *       "number": "ORD-000123",
                     *       "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "customer": {
                     *         "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "code": "CUS-000123",
                     *         "displayName": "Ana Lovelace"
                     *       },
                     *       "status": "placed",
                     *       "lines": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000021",
                     *           "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "description": "Red Bull 250 ml",
                     *           "quantity": 15,
                     *           "unitPrice": "1.50",
                     *           "lineTotal": "22.50"
                     *         },
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000022",
                     *           "productId": null,
                     *           "description": "Delivery within a day",
                     *           "unitPrice": "4.90",
                     *           "quantity": 1,
                     *           "lineTotal": "4.90"
                     *         }
                     *       ],
                     *       "total": "27.40",
                     *       "currency": "EUR",
                     *       "note": "Ring twice",
                     *       "metadata": {
                     *         "channel": "web"
                     *       },
                     *       "placedAt": "2026-11-20T09:30:00.000Z",
                     *       "fulfilledAt": null,
                     *       "cancelledAt": null,
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-20T09:30:00.000Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateOrder: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "number";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                /** @description The id of the order, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "note": "Leave it at the door"
                 *     }
                 */
                "application/json": components["schemas"]["OrderPatch"];
                /**
                 * @example {
                 *       "note": "Leave it at the door"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["OrderPatch"];
            };
        };
        responses: {
            /** @description Update the note and the metadata of an order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *       "number": "ORD-000123",
                     *       "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "customer": {
                     *         "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "code": "CUS-000123",
                     *         "displayName": "Ana Lovelace"
                     *       },
                     *       "status": "placed",
                     *       "lines": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000021",
                     *           "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "description": "Red Bull 250 ml",
                     *           "quantity": 15,
                     *           "unitPrice": "1.50",
                     *           "lineTotal": "22.50"
                     *         },
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000022",
                     *           "productId": null,
                     *           "description": "Delivery within a day",
                     *           "unitPrice": "4.90",
                     *           "quantity": 1,
                     *           "lineTotal": "4.90"
                     *         }
                     *       ],
                     *       "total": "27.40",
                     *       "currency": "EUR",
                     *       "note": "Ring twice",
                     *       "metadata": {
                     *         "channel": "web"
                     *       },
                     *       "placedAt": "2026-11-20T09:30:00.000Z",
                     *       "fulfilledAt": null,
                     *       "cancelledAt": null,
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-20T09:30:00.000Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
        };
    };
    cancelOrder: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "number";
            };
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The id of the order, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cancel a placed order */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *       "number": "ORD-000123",
                     *       "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "customer": {
                     *         "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "code": "CUS-000123",
                     *         "displayName": "Ana Lovelace"
                     *       },
                     *       "status": "placed",
                     *       "lines": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000021",
                     *           "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "description": "Red Bull 250 ml",
                     *           "quantity": 15,
                     *           "unitPrice": "1.50",
                     *           "lineTotal": "22.50"
                     *         },
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000022",
                     *           "productId": null,
                     *           "description": "Delivery within a day",
                     *           "unitPrice": "4.90",
                     *           "quantity": 1,
                     *           "lineTotal": "4.90"
                     *         }
                     *       ],
                     *       "total": "27.40",
                     *       "currency": "EUR",
                     *       "note": "Ring twice",
                     *       "metadata": {
                     *         "channel": "web"
                     *       },
                     *       "placedAt": "2026-11-20T09:30:00.000Z",
                     *       "fulfilledAt": null,
                     *       "cancelledAt": null,
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-20T09:30:00.000Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
        };
    };
    fulfilOrder: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "number";
            };
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The id of the order, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Mark a placed order as fulfilled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *       "number": "ORD-000123",
                     *       "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *       "customer": {
                     *         "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *         "code": "CUS-000123",
                     *         "displayName": "Ana Lovelace"
                     *       },
                     *       "status": "placed",
                     *       "lines": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000021",
                     *           "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "description": "Red Bull 250 ml",
                     *           "quantity": 15,
                     *           "unitPrice": "1.50",
                     *           "lineTotal": "22.50"
                     *         },
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000022",
                     *           "productId": null,
                     *           "description": "Delivery within a day",
                     *           "unitPrice": "4.90",
                     *           "quantity": 1,
                     *           "lineTotal": "4.90"
                     *         }
                     *       ],
                     *       "total": "27.40",
                     *       "currency": "EUR",
                     *       "note": "Ring twice",
                     *       "metadata": {
                     *         "channel": "web"
                     *       },
                     *       "placedAt": "2026-11-20T09:30:00.000Z",
                     *       "fulfilledAt": null,
                     *       "cancelledAt": null,
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-20T09:30:00.000Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Order"];
                };
            };
        };
    };
    batchOrders: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "op": "fulfil",
                 *           "key": "ORD-000123",
                 *           "idBy": "number"
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["OrderBatch"];
            };
        };
        responses: {
            /** @description Fulfil or cancel up to 500 orders in one request */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "results": [
                     *         {
                     *           "index": 0,
                     *           "status": 200,
                     *           "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *           "order": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *             "number": "ORD-000123",
                     *             "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "customer": {
                     *               "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *               "code": "CUS-000123",
                     *               "displayName": "Ana Lovelace"
                     *             },
                     *             "status": "placed",
                     *             "lines": [
                     *               {
                     *                 "id": "0190a5c4-6f00-7000-8000-000000000021",
                     *                 "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *                 "description": "Red Bull 250 ml",
                     *                 "quantity": 15,
                     *                 "unitPrice": "1.50",
                     *                 "lineTotal": "22.50"
                     *               },
                     *               {
                     *                 "id": "0190a5c4-6f00-7000-8000-000000000022",
                     *                 "productId": null,
                     *                 "description": "Delivery within a day",
                     *                 "unitPrice": "4.90",
                     *                 "quantity": 1,
                     *                 "lineTotal": "4.90"
                     *               }
                     *             ],
                     *             "total": "27.40",
                     *             "currency": "EUR",
                     *             "note": "Ring twice",
                     *             "metadata": {
                     *               "channel": "web"
                     *             },
                     *             "placedAt": "2026-11-20T09:30:00.000Z",
                     *             "fulfilledAt": null,
                     *             "cancelledAt": null,
                     *             "createdBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "updatedAt": "2026-11-20T09:30:00.000Z",
                     *             "updatedBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "version": 1
                     *           }
                     *         }
                     *       ],
                     *       "counts": {
                     *         "succeeded": 1,
                     *         "failed": 0
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["OrderBatchResult"];
                };
            };
            /** @description Fulfil or cancel up to 500 orders in one request */
            207: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "results": [
                     *         {
                     *           "index": 0,
                     *           "status": 200,
                     *           "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *           "order": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000020",
                     *             "number": "ORD-000123",
                     *             "customerId": "0190a5c4-6f00-7000-8000-000000000001",
                     *             "customer": {
                     *               "id": "0190a5c4-6f00-7000-8000-000000000001",
                     *               "code": "CUS-000123",
                     *               "displayName": "Ana Lovelace"
                     *             },
                     *             "status": "placed",
                     *             "lines": [
                     *               {
                     *                 "id": "0190a5c4-6f00-7000-8000-000000000021",
                     *                 "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *                 "description": "Red Bull 250 ml",
                     *                 "quantity": 15,
                     *                 "unitPrice": "1.50",
                     *                 "lineTotal": "22.50"
                     *               },
                     *               {
                     *                 "id": "0190a5c4-6f00-7000-8000-000000000022",
                     *                 "productId": null,
                     *                 "description": "Delivery within a day",
                     *                 "unitPrice": "4.90",
                     *                 "quantity": 1,
                     *                 "lineTotal": "4.90"
                     *               }
                     *             ],
                     *             "total": "27.40",
                     *             "currency": "EUR",
                     *             "note": "Ring twice",
                     *             "metadata": {
                     *               "channel": "web"
                     *             },
                     *             "placedAt": "2026-11-20T09:30:00.000Z",
                     *             "fulfilledAt": null,
                     *             "cancelledAt": null,
                     *             "createdBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "updatedAt": "2026-11-20T09:30:00.000Z",
                     *             "updatedBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "version": 1
                     *           }
                     *         }
                     *       ],
                     *       "counts": {
                     *         "succeeded": 1,
                     *         "failed": 0
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["OrderBatchResult"];
                };
            };
        };
    };
    summariseOrders: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339) or a day in `timeZone`: the start of the range, inclusive. Default: 30 days before `to`. */
                from?: string;
                /** @description The length of an interval. The range may have at most 400 intervals. Default: `day`. */
                interval?: components["schemas"]["SummaryInterval"];
                /** @description The time zone in which days begin, by its name in the IANA database. Default: the shop's, which `GET /v1/config` shows. */
                timeZone?: string;
                /** @description A time (RFC 3339) or a day in `timeZone`: the end of the range, exclusive. Default: now. */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Summarise orders and revenue by interval and currency */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "interval": "day",
                     *       "timeZone": "Africa/Nairobi",
                     *       "from": "2026-11-20T00:00:00.000Z",
                     *       "to": "2026-11-21T00:00:00.000Z",
                     *       "data": [
                     *         {
                     *           "start": "2026-11-20T00:00:00.000Z",
                     *           "currency": "EUR",
                     *           "orders": 12,
                     *           "revenue": "345.60"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["OrderSummary"];
                };
            };
        };
    };
    listPeople: {
        parameters: {
            query?: {
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description `true` or `false`. */
                enabled?: boolean;
                /** @description Whether there is a value. */
                "enabled[exists]"?: boolean;
                /** @description Not equal to the value. */
                "enabled[ne]"?: boolean;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. */
                q?: string;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `displayName`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("displayName" | "-displayName" | "relevance")[];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the names of all users with a role */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *           "displayName": "Ben Turner",
                     *           "enabled": true
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["PersonPage"];
                };
            };
        };
    };
    createProductExport: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "format": "csv",
                 *       "filter": {
                 *         "active": true,
                 *         "price[lte]": 10,
                 *         "sort": [
                 *           "name"
                 *         ]
                 *       },
                 *       "fields": [
                 *         "sku",
                 *         "name",
                 *         "price",
                 *         "stock"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewProductExport"];
            };
        };
        responses: {
            /** @description Create an export of products */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    listProductImports: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user. */
                createdBy?: string[];
                /** @description Whether there is a value. */
                "createdBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "createdBy[ne]"?: string[];
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. */
                sort?: ("createdAt" | "-createdAt")[];
                /** @description One of `checking`, `checked`, `importing`, `finished`, `failed`, `cancelled`, `undoing`, `undone`. */
                status?: components["schemas"]["ImportStatus"][];
                /** @description Not equal to the value. */
                "status[ne]"?: components["schemas"]["ImportStatus"][];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List imports of products, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000060",
                     *           "status": "checked",
                     *           "name": "customers.csv",
                     *           "format": "csv",
                     *           "delimiter": ",",
                     *           "sheet": null,
                     *           "sheets": [],
                     *           "encoding": "utf-8",
                     *           "encodingBy": "valid",
                     *           "headerRow": 1,
                     *           "bytes": 48213,
                     *           "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *           "columns": [
                     *             "First name",
                     *             "Mail",
                     *             "Notes"
                     *           ],
                     *           "preset": null,
                     *           "mapping": {
                     *             "First name": "name",
                     *             "Mail": "email"
                     *           },
                     *           "unmapped": [
                     *             "Notes"
                     *           ],
                     *           "matchBy": "email",
                     *           "onMatch": "update",
                     *           "country": null,
                     *           "decimal": "point",
                     *           "tags": "replace",
                     *           "warnings": [],
                     *           "total": 1200,
                     *           "counts": {
                     *             "read": 1200,
                     *             "created": 1000,
                     *             "updated": 197,
                     *             "skipped": 0,
                     *             "failed": 3
                     *           },
                     *           "progress": 1,
                     *           "errors": [
                     *             {
                     *               "row": 17,
                     *               "pointer": "/email",
                     *               "code": "invalid_format",
                     *               "message": "Mail must be an e-mail address such as ana@example.com"
                     *             }
                     *           ],
                     *           "errorsUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/errors",
                     *           "error": null,
                     *           "previousImportId": null,
                     *           "jobId": "0190a5c4-6f00-7000-8000-000000000050",
                     *           "createdAt": "2026-11-20T09:30:00.000Z",
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "finishedAt": null,
                     *           "expiresAt": "2026-11-27T09:30:00.000Z"
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ImportPage"];
                };
            };
        };
    };
    createProductImport: {
        parameters: {
            query?: {
                /** @description The country of telephone numbers without a country code, for rows that have no country of their own. Default: that of the shop. */
                country?: string;
                /** @description The decimal mark of numbers in text. The other one separates thousands. Default: `point`. */
                decimal?: components["schemas"]["DecimalMark"];
                /** @description The character that separates the cells of CSV. Default: detected. */
                delimiter?: string;
                /** @description The character encoding, such as `windows-1252`. Default: detected. */
                encoding?: string;
                /** @description The format of the file. Default: detected from the content. */
                format?: components["schemas"]["TableFormat"];
                /** @description Whether the first row of a CSV file or a sheet, after the rows to `skip`, names the columns. Default: detected. */
                header?: boolean;
                /** @description A JSON object from columns to fields, such as `{"Mail":"email"}`. Default: suggested from the names of the columns. */
                mapping?: string;
                /** @description The match key: a row belongs to the record that has the same value of this field. Default: `id` or `code` if all values of such a column are ours in form; otherwise `email` for customers, `sku` for products. */
                matchBy?: string;
                /** @description The file name to show. */
                name?: string;
                /** @description What to do with a row that belongs to an existing record. Default: `update`. */
                onMatch?: components["schemas"]["OnMatch"];
                /** @description The program that exported the customers, by which the mapping is suggested; `none` for none. Default: recognised by the columns. */
                preset?: components["schemas"]["ImportPresetChoice"];
                /** @description The name of the sheet of a workbook, or its number from 1. Default: the first one that is not hidden. */
                sheet?: string;
                skip?: number;
                /** @description Whether the tags of a row replace those of an existing customer or are added. Default: `replace`. */
                tags?: components["schemas"]["TagsMode"];
            };
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": Blob;
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Blob;
                "application/x-ndjson": Blob;
                /**
                 * @example {
                 *       "format": "csv",
                 *       "onMatch": "update",
                 *       "file": "name,surname,email\nAna,Lovelace,ana@example.com\n"
                 *     }
                 */
                "multipart/form-data": components["schemas"]["ImportForm"];
                "text/csv": Blob;
            };
        };
        responses: {
            /** @description Create an import of products and start its dry run */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000060",
                     *       "status": "checked",
                     *       "name": "customers.csv",
                     *       "format": "csv",
                     *       "delimiter": ",",
                     *       "sheet": null,
                     *       "sheets": [],
                     *       "encoding": "utf-8",
                     *       "encodingBy": "valid",
                     *       "headerRow": 1,
                     *       "bytes": 48213,
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "columns": [
                     *         "First name",
                     *         "Mail",
                     *         "Notes"
                     *       ],
                     *       "preset": null,
                     *       "mapping": {
                     *         "First name": "name",
                     *         "Mail": "email"
                     *       },
                     *       "unmapped": [
                     *         "Notes"
                     *       ],
                     *       "matchBy": "email",
                     *       "onMatch": "update",
                     *       "country": null,
                     *       "decimal": "point",
                     *       "tags": "replace",
                     *       "warnings": [],
                     *       "total": 1200,
                     *       "counts": {
                     *         "read": 1200,
                     *         "created": 1000,
                     *         "updated": 197,
                     *         "skipped": 0,
                     *         "failed": 3
                     *       },
                     *       "progress": 1,
                     *       "errors": [
                     *         {
                     *           "row": 17,
                     *           "pointer": "/email",
                     *           "code": "invalid_format",
                     *           "message": "Mail must be an e-mail address such as ana@example.com"
                     *         }
                     *       ],
                     *       "errorsUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/errors",
                     *       "error": null,
                     *       "previousImportId": null,
                     *       "jobId": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "finishedAt": null,
                     *       "expiresAt": "2026-11-27T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    getProductImport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get an import of products with its progress, counts and first errors */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000060",
                     *       "status": "checked",
                     *       "name": "customers.csv",
                     *       "format": "csv",
                     *       "delimiter": ",",
                     *       "sheet": null,
                     *       "sheets": [],
                     *       "encoding": "utf-8",
                     *       "encodingBy": "valid",
                     *       "headerRow": 1,
                     *       "bytes": 48213,
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "columns": [
                     *         "First name",
                     *         "Mail",
                     *         "Notes"
                     *       ],
                     *       "preset": null,
                     *       "mapping": {
                     *         "First name": "name",
                     *         "Mail": "email"
                     *       },
                     *       "unmapped": [
                     *         "Notes"
                     *       ],
                     *       "matchBy": "email",
                     *       "onMatch": "update",
                     *       "country": null,
                     *       "decimal": "point",
                     *       "tags": "replace",
                     *       "warnings": [],
                     *       "total": 1200,
                     *       "counts": {
                     *         "read": 1200,
                     *         "created": 1000,
                     *         "updated": 197,
                     *         "skipped": 0,
                     *         "failed": 3
                     *       },
                     *       "progress": 1,
                     *       "errors": [
                     *         {
                     *           "row": 17,
                     *           "pointer": "/email",
                     *           "code": "invalid_format",
                     *           "message": "Mail must be an e-mail address such as ana@example.com"
                     *         }
                     *       ],
                     *       "errorsUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/errors",
                     *       "error": null,
                     *       "previousImportId": null,
                     *       "jobId": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "finishedAt": null,
                     *       "expiresAt": "2026-11-27T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    deleteProductImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Cancel or delete an import of products */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateProductImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "onMatch": "skip"
                 *     }
                 */
                "application/json": components["schemas"]["ImportPatch"];
                /**
                 * @example {
                 *       "onMatch": "skip"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["ImportPatch"];
            };
        };
        responses: {
            /** @description Update the options of an import of products and repeat its dry run */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000060",
                     *       "status": "checked",
                     *       "name": "customers.csv",
                     *       "format": "csv",
                     *       "delimiter": ",",
                     *       "sheet": null,
                     *       "sheets": [],
                     *       "encoding": "utf-8",
                     *       "encodingBy": "valid",
                     *       "headerRow": 1,
                     *       "bytes": 48213,
                     *       "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                     *       "columns": [
                     *         "First name",
                     *         "Mail",
                     *         "Notes"
                     *       ],
                     *       "preset": null,
                     *       "mapping": {
                     *         "First name": "name",
                     *         "Mail": "email"
                     *       },
                     *       "unmapped": [
                     *         "Notes"
                     *       ],
                     *       "matchBy": "email",
                     *       "onMatch": "update",
                     *       "country": null,
                     *       "decimal": "point",
                     *       "tags": "replace",
                     *       "warnings": [],
                     *       "total": 1200,
                     *       "counts": {
                     *         "read": 1200,
                     *         "created": 1000,
                     *         "updated": 197,
                     *         "skipped": 0,
                     *         "failed": 3
                     *       },
                     *       "progress": 1,
                     *       "errors": [
                     *         {
                     *           "row": 17,
                     *           "pointer": "/email",
                     *           "code": "invalid_format",
                     *           "message": "Mail must be an e-mail address such as ana@example.com"
                     *         }
                     *       ],
                     *       "errorsUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/errors",
                     *       "error": null,
                     *       "previousImportId": null,
                     *       "jobId": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "finishedAt": null,
                     *       "expiresAt": "2026-11-27T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Import"];
                };
            };
        };
    };
    commitProductImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "onMatch": "update"
                 *     }
                 */
                "application/json": components["schemas"]["ImportCommit"];
            };
        };
        responses: {
            /** @description Commit an import of products */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    previewProductImport: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Show the first 20 rows of an import as the products that they would become */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "rows": [
                     *         {
                     *           "row": 2,
                     *           "outcome": "created",
                     *           "values": {
                     *             "name": "Ana",
                     *             "surname": "Lovelace",
                     *             "email": "ana@example.com",
                     *             "phone": "+254711000111"
                     *           },
                     *           "errors": []
                     *         },
                     *         {
                     *           "row": 3,
                     *           "outcome": "failed",
                     *           "values": {},
                     *           "errors": [
                     *             {
                     *               "row": 3,
                     *               "pointer": "/email",
                     *               "code": "invalid_format",
                     *               "message": "Mail must be an e-mail address"
                     *             }
                     *           ]
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["ImportPreview"];
                };
            };
        };
    };
    undoProductImport: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Undo an import of products */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    listProducts: {
        parameters: {
            query?: {
                /** @description `true` or `false`. */
                active?: boolean;
                /** @description Whether there is a value. */
                "active[exists]"?: boolean;
                /** @description Not equal to the value. */
                "active[ne]"?: boolean;
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The id of a user, or `me` for the signed-in user. */
                createdBy?: string[];
                /** @description Whether there is a value. */
                "createdBy[exists]"?: boolean;
                /** @description Not equal to the value. */
                "createdBy[ne]"?: string[];
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                deletedAt?: string;
                /** @description Whether there is a value. */
                "deletedAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "deletedAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "deletedAt[gte]"?: string;
                /** @description Less than the value. */
                "deletedAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "deletedAt[lte]"?: string;
                /** @description Not equal to the value. */
                "deletedAt[ne]"?: string;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description Another name of `q`. */
                keyword?: string;
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description `true`: the stock is at or below `lowStockAt`. */
                low?: true;
                /** @description Another name of `price[lte]`. */
                max_price?: number;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                name?: string;
                /** @description Contains the text, in upper or lower case. */
                "name[contains]"?: string;
                /** @description Whether there is a value. */
                "name[exists]"?: boolean;
                /** @description Greater than the value. */
                "name[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "name[gte]"?: string;
                /** @description Less than the value. */
                "name[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "name[lte]"?: string;
                /** @description Not equal to the value. */
                "name[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "name[startsWith]"?: string;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description A number. */
                price?: number;
                /** @description Whether there is a value. */
                "price[exists]"?: boolean;
                /** @description Greater than the value. */
                "price[gt]"?: number;
                /** @description Greater than the value or equal to it. */
                "price[gte]"?: number;
                /** @description Less than the value. */
                "price[lt]"?: number;
                /** @description Less than the value or equal to it. */
                "price[lte]"?: number;
                /** @description Not equal to the value. */
                "price[ne]"?: number;
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. If nothing is found, a word of four letters or more may have one typing error; `page.matchedBy` then is `similar`. */
                q?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                sku?: string;
                /** @description Contains the text, in upper or lower case. */
                "sku[contains]"?: string;
                /** @description Whether there is a value. */
                "sku[exists]"?: boolean;
                /** @description Greater than the value. */
                "sku[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "sku[gte]"?: string;
                /** @description Less than the value. */
                "sku[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "sku[lte]"?: string;
                /** @description Not equal to the value. */
                "sku[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "sku[startsWith]"?: string;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("createdAt" | "-createdAt" | "updatedAt" | "-updatedAt" | "name" | "-name" | "price" | "-price" | "stock" | "-stock" | "sku" | "-sku" | "relevance")[];
                /** @description A whole number. */
                stock?: number;
                /** @description Whether there is a value. */
                "stock[exists]"?: boolean;
                /** @description Greater than the value. */
                "stock[gt]"?: number;
                /** @description Greater than the value or equal to it. */
                "stock[gte]"?: number;
                /** @description Less than the value. */
                "stock[lt]"?: number;
                /** @description Less than the value or equal to it. */
                "stock[lte]"?: number;
                /** @description Not equal to the value. */
                "stock[ne]"?: number;
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                updatedAt?: string;
                /** @description Whether there is a value. */
                "updatedAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "updatedAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "updatedAt[gte]"?: string;
                /** @description Less than the value. */
                "updatedAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "updatedAt[lte]"?: string;
                /** @description Not equal to the value. */
                "updatedAt[ne]"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List products, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "sku": "RB-250",
                     *           "name": "Red Bull 250 ml",
                     *           "description": "A can of 250 ml",
                     *           "price": "1.50",
                     *           "stock": 100,
                     *           "lowStockAt": 20,
                     *           "active": true,
                     *           "currency": "EUR",
                     *           "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *           "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *           "photoUrls": {
                     *             "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *             "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *             "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *           },
                     *           "createdAt": "2026-11-20T09:30:00.000Z",
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "updatedAt": "2026-11-21T14:05:12.345Z",
                     *           "updatedBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "version": 2,
                     *           "deletedAt": null
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ProductPage"];
                };
            };
        };
    };
    createProduct: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "sku": "RB-250",
                 *       "name": "Red Bull 250 ml",
                 *       "description": "A can of 250 ml",
                 *       "price": "1.50",
                 *       "stock": 100,
                 *       "lowStockAt": 20,
                 *       "active": true
                 *     }
                 */
                "application/json": components["schemas"]["NewProduct"];
                /**
                 * @example {
                 *       "name": "Red Bull 250 ml",
                 *       "price": "1.50",
                 *       "stock": 100
                 *     }
                 */
                "multipart/form-data": components["schemas"]["NewProductForm"];
            };
        };
        responses: {
            /** @description Create a product */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *       "sku": "RB-250",
                     *       "name": "Red Bull 250 ml",
                     *       "description": "A can of 250 ml",
                     *       "price": "1.50",
                     *       "stock": 100,
                     *       "lowStockAt": 20,
                     *       "active": true,
                     *       "currency": "EUR",
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Product"];
                };
            };
        };
    };
    getProduct: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
                /** @description `true` finds the product also in the trash; `deletedAt` says since when it is there. It works with the id. */
                trashed?: boolean;
            };
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a product */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *       "sku": "RB-250",
                     *       "name": "Red Bull 250 ml",
                     *       "description": "A can of 250 ml",
                     *       "price": "1.50",
                     *       "stock": 100,
                     *       "lowStockAt": 20,
                     *       "active": true,
                     *       "currency": "EUR",
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Product"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    replaceProduct: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
                /** @description `*`: if the resource exists, the response is 412. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "sku": "RB-250",
                 *       "name": "Red Bull 250 ml",
                 *       "description": "A can of 250 ml",
                 *       "price": "1.50",
                 *       "stock": 100,
                 *       "lowStockAt": 20,
                 *       "active": true
                 *     }
                 */
                "application/json": components["schemas"]["NewProduct"];
            };
        };
        responses: {
            /** @description Replace a product */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *       "sku": "RB-250",
                     *       "name": "Red Bull 250 ml",
                     *       "description": "A can of 250 ml",
                     *       "price": "1.50",
                     *       "stock": 100,
                     *       "lowStockAt": 20,
                     *       "active": true,
                     *       "currency": "EUR",
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Product"];
                };
            };
        };
    };
    deleteProduct: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
                /** @description `true` purges the product, which removes it for good, instead of moving it to the trash. Purging requires the role `admin`. */
                purge?: boolean;
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Move a product to the trash, or purge it */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateProduct: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "price": "1.60",
                 *       "lowStockAt": 10
                 *     }
                 */
                "application/json": components["schemas"]["ProductPatch"];
                /**
                 * @example {
                 *       "price": "1.60",
                 *       "lowStockAt": 10
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["ProductPatch"];
            };
        };
        responses: {
            /** @description Update a product */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *       "sku": "RB-250",
                     *       "name": "Red Bull 250 ml",
                     *       "description": "A can of 250 ml",
                     *       "price": "1.50",
                     *       "stock": 100,
                     *       "lowStockAt": 20,
                     *       "active": true,
                     *       "currency": "EUR",
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Product"];
                };
            };
        };
    };
    getProductPhoto: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
                /** @description The size of the image: `original`, `medium` (sides of at most 1024 pixels) or `thumb` (at most 320). Default: `medium`. */
                variant?: components["schemas"]["MediaVariant"];
            };
            header?: never;
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the photo of a product */
            302: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    replaceProductPhoto: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
                /** @description `*`: if the resource exists, the response is 412. */
                "If-None-Match"?: string;
            };
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "mediaId": "0190a5c4-6f00-7000-8000-0000000000aa"
                 *     }
                 */
                "application/json": components["schemas"]["ProductPhoto"];
                "image/*": Blob;
                "multipart/form-data": components["schemas"]["PhotoForm"];
            };
        };
        responses: {
            /** @description Replace the photo of a product */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *       "sku": "RB-250",
                     *       "name": "Red Bull 250 ml",
                     *       "description": "A can of 250 ml",
                     *       "price": "1.50",
                     *       "stock": 100,
                     *       "lowStockAt": 20,
                     *       "active": true,
                     *       "currency": "EUR",
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Product"];
                };
            };
        };
    };
    deleteProductPhoto: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
            };
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete the photo of a product */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    restoreProduct: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
            };
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Restore a product from the trash */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *       "sku": "RB-250",
                     *       "name": "Red Bull 250 ml",
                     *       "description": "A can of 250 ml",
                     *       "price": "1.50",
                     *       "stock": 100,
                     *       "lowStockAt": 20,
                     *       "active": true,
                     *       "currency": "EUR",
                     *       "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *       "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *       "photoUrls": {
                     *         "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *         "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *         "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *       },
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2,
                     *       "deletedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["Product"];
                };
            };
        };
    };
    listStockMovements: {
        parameters: {
            query?: {
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. */
                sort?: ("createdAt" | "-createdAt")[];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
            };
            header?: never;
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the stock movements of a product, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-000000000030",
                     *           "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "delta": 100,
                     *           "stockAfter": 200,
                     *           "kind": "manual",
                     *           "reason": "delivery 2026-117",
                     *           "orderId": null,
                     *           "createdAt": "2026-11-20T09:30:00.000Z",
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           }
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["StockMovementPage"];
                };
            };
        };
    };
    createStockMovement: {
        parameters: {
            query?: {
                /** @description The field whose value `{key}` is. Without `idBy`, `{key}` is the id. */
                idBy?: "sku";
            };
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description The id of the product, or the value of the field that `idBy` names. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "delta": 100,
                 *       "reason": "delivery 2026-117"
                 *     }
                 */
                "application/json": components["schemas"]["NewStockMovement"];
            };
        };
        responses: {
            /** @description Create a stock movement */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000030",
                     *       "productId": "0190a5c4-6f00-7000-8000-000000000010",
                     *       "delta": 100,
                     *       "stockAfter": 200,
                     *       "kind": "manual",
                     *       "reason": "delivery 2026-117",
                     *       "orderId": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["StockMovement"];
                };
            };
        };
    };
    batchProducts: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "items": [
                 *         {
                 *           "op": "create",
                 *           "data": {
                 *             "name": "Blue Bull 250 ml",
                 *             "price": "1.40"
                 *           }
                 *         },
                 *         {
                 *           "op": "create",
                 *           "data": {
                 *             "sku": "RB-250",
                 *             "name": "Green Bull 250 ml",
                 *             "price": "1.60"
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["ProductBatch"];
            };
        };
        responses: {
            /** @description Change up to 500 products in one request */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "results": [
                     *         {
                     *           "index": 0,
                     *           "status": 201,
                     *           "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "product": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *             "sku": "RB-250",
                     *             "name": "Red Bull 250 ml",
                     *             "description": "A can of 250 ml",
                     *             "price": "1.50",
                     *             "stock": 100,
                     *             "lowStockAt": 20,
                     *             "active": true,
                     *             "currency": "EUR",
                     *             "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *             "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *             "photoUrls": {
                     *               "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *               "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *               "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *             },
                     *             "createdAt": "2026-11-20T09:30:00.000Z",
                     *             "createdBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "updatedAt": "2026-11-21T14:05:12.345Z",
                     *             "updatedBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "version": 2,
                     *             "deletedAt": null
                     *           }
                     *         },
                     *         {
                     *           "index": 1,
                     *           "status": 409,
                     *           "problem": {
                     *             "type": "/problems/duplicate",
                     *             "title": "Already exists",
                     *             "status": 409,
                     *             "code": "duplicate",
                     *             "detail": "another product has this SKU",
                     *             "errors": [
                     *               {
                     *                 "pointer": "/sku",
                     *                 "code": "taken",
                     *                 "message": "belongs to another product"
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "counts": {
                     *         "succeeded": 1,
                     *         "failed": 1
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ProductBatchResult"];
                };
            };
            /** @description Change up to 500 products in one request */
            207: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "results": [
                     *         {
                     *           "index": 0,
                     *           "status": 201,
                     *           "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *           "product": {
                     *             "id": "0190a5c4-6f00-7000-8000-000000000010",
                     *             "sku": "RB-250",
                     *             "name": "Red Bull 250 ml",
                     *             "description": "A can of 250 ml",
                     *             "price": "1.50",
                     *             "stock": 100,
                     *             "lowStockAt": 20,
                     *             "active": true,
                     *             "currency": "EUR",
                     *             "photoMediaId": "0190a5c4-6f00-7000-8000-0000000000aa",
                     *             "photoUrl": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *             "photoUrls": {
                     *               "thumb": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=thumb&expires=1795168800&signature=c2lnbmVk",
                     *               "medium": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=medium&expires=1795168800&signature=c2lnbmVk",
                     *               "original": "/v1/media/0190a5c4-6f00-7000-8000-0000000000aa/content?variant=original&expires=1795168800&signature=c2lnbmVk"
                     *             },
                     *             "createdAt": "2026-11-20T09:30:00.000Z",
                     *             "createdBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "updatedAt": "2026-11-21T14:05:12.345Z",
                     *             "updatedBy": {
                     *               "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *               "displayName": "Ben Turner"
                     *             },
                     *             "version": 2,
                     *             "deletedAt": null
                     *           }
                     *         },
                     *         {
                     *           "index": 1,
                     *           "status": 409,
                     *           "problem": {
                     *             "type": "/problems/duplicate",
                     *             "title": "Already exists",
                     *             "status": 409,
                     *             "code": "duplicate",
                     *             "detail": "another product has this SKU",
                     *             "errors": [
                     *               {
                     *                 "pointer": "/sku",
                     *                 "code": "taken",
                     *                 "message": "belongs to another product"
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "counts": {
                     *         "succeeded": 1,
                     *         "failed": 1
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["ProductBatchResult"];
                };
            };
        };
    };
    listTags: {
        parameters: {
            query?: {
                /** @description The most tags to return, 1 to 200. Default: 50. */
                limit?: number;
                /** @description Free text. Every word of it must occur in the tag; case and accents do not matter. */
                q?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the tags of customers, most used first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "tag": "wholesale",
                     *           "customers": 212
                     *         }
                     *       ],
                     *       "total": 1,
                     *       "countedAt": "2026-11-20T09:30:00.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["TagCounts"];
                };
            };
        };
    };
    renameTag: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                /** @description The present name of the tag. */
                tag: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "loyal"
                 *     }
                 */
                "application/json": components["schemas"]["TagPatch"];
                /**
                 * @example {
                 *       "name": "loyal"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["TagPatch"];
            };
        };
        responses: {
            /** @description Rename a tag, or merge it into another one */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-000000000050",
                     *       "kind": "export",
                     *       "status": "succeeded",
                     *       "progress": 1,
                     *       "counts": {
                     *         "rows": 1200
                     *       },
                     *       "error": null,
                     *       "result": {
                     *         "rows": 1200,
                     *         "bytes": 84213,
                     *         "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
                     *       },
                     *       "resultUrl": "/v1/jobs/0190a5c4-6f00-7000-8000-000000000050/result",
                     *       "errorsUrl": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "startedAt": "2026-11-20T09:30:01.000Z",
                     *       "finishedAt": "2026-11-20T09:30:04.000Z",
                     *       "expiresAt": "2026-11-27T09:30:04.000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Job"];
                };
            };
        };
    };
    listUsers: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                email?: string;
                /** @description Contains the text, in upper or lower case. */
                "email[contains]"?: string;
                /** @description Whether there is a value. */
                "email[exists]"?: boolean;
                /** @description Greater than the value. */
                "email[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "email[gte]"?: string;
                /** @description Less than the value. */
                "email[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "email[lte]"?: string;
                /** @description Not equal to the value. */
                "email[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "email[startsWith]"?: string;
                /** @description `true` or `false`. */
                enabled?: boolean;
                /** @description Whether there is a value. */
                "enabled[exists]"?: boolean;
                /** @description Not equal to the value. */
                "enabled[ne]"?: boolean;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Free text. Every word of it must occur, in any order, whatever its case, accents and punctuation. A word of one or two letters is found only at the beginning of a word. */
                q?: string;
                /** @description A value that must occur. Separate alternatives with commas. */
                role?: components["schemas"]["Role"][];
                /** @description Whether there is a value. */
                "role[exists]"?: boolean;
                /** @description Not equal to the value. */
                "role[ne]"?: components["schemas"]["Role"][];
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-createdAt`. `relevance` sorts by how well `q` matches: rows that have all its words as whole words, then rows in which all begin words, then the others, and by default within these. It needs `q`, stands alone, and has no `offset`. */
                sort?: ("createdAt" | "-createdAt" | "username" | "-username" | "email" | "-email" | "relevance")[];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
                /** @description A text. Separate alternatives with commas; write a comma in a value as `\,`. */
                username?: string;
                /** @description Contains the text, in upper or lower case. */
                "username[contains]"?: string;
                /** @description Whether there is a value. */
                "username[exists]"?: boolean;
                /** @description Greater than the value. */
                "username[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "username[gte]"?: string;
                /** @description Less than the value. */
                "username[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "username[lte]"?: string;
                /** @description Not equal to the value. */
                "username[ne]"?: string;
                /** @description Begins with the text, in upper or lower case. */
                "username[startsWith]"?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List users, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *           "username": "ben",
                     *           "email": "ben@example.com",
                     *           "emailVerified": true,
                     *           "name": "Ben",
                     *           "surname": "Turner",
                     *           "displayName": "Ben Turner",
                     *           "roles": [
                     *             "user"
                     *           ],
                     *           "enabled": true,
                     *           "createdAt": "2026-11-01T08:00:00.000Z",
                     *           "lastLoginAt": "2026-11-20T09:00:00.000Z",
                     *           "version": 4
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["UserPage"];
                };
            };
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "username": "ana",
                 *       "email": "ana@example.com",
                 *       "name": "Ana",
                 *       "surname": "Lovelace",
                 *       "roles": [
                 *         "user"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewUser"];
            };
        };
        responses: {
            /** @description Create a user */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *       "username": "ben",
                     *       "email": "ben@example.com",
                     *       "emailVerified": true,
                     *       "name": "Ben",
                     *       "surname": "Turner",
                     *       "displayName": "Ben Turner",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "enabled": true,
                     *       "createdAt": "2026-11-01T08:00:00.000Z",
                     *       "lastLoginAt": "2026-11-20T09:00:00.000Z",
                     *       "version": 4
                     *     }
                     */
                    "application/json": components["schemas"]["User"];
                };
            };
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *       "username": "ben",
                     *       "email": "ben@example.com",
                     *       "emailVerified": true,
                     *       "name": "Ben",
                     *       "surname": "Turner",
                     *       "displayName": "Ben Turner",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "enabled": true,
                     *       "createdAt": "2026-11-01T08:00:00.000Z",
                     *       "lastLoginAt": "2026-11-20T09:00:00.000Z",
                     *       "version": 4
                     *     }
                     */
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    replaceUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
                /** @description `*`: if the resource exists, the response is 412. */
                "If-None-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "username": "ben",
                 *       "email": "ben@example.com",
                 *       "name": "Ben",
                 *       "surname": "Turner",
                 *       "enabled": true,
                 *       "roles": [
                 *         "user"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["UserReplacement"];
            };
        };
        responses: {
            /** @description Replace a user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *       "username": "ben",
                     *       "email": "ben@example.com",
                     *       "emailVerified": true,
                     *       "name": "Ben",
                     *       "surname": "Turner",
                     *       "displayName": "Ben Turner",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "enabled": true,
                     *       "createdAt": "2026-11-01T08:00:00.000Z",
                     *       "lastLoginAt": "2026-11-20T09:00:00.000Z",
                     *       "version": 4
                     *     }
                     */
                    "application/json": components["schemas"]["User"];
                };
            };
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a user */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "surname": "Turner-Hopper"
                 *     }
                 */
                "application/json": components["schemas"]["UserPatch"];
                /**
                 * @example {
                 *       "surname": "Turner-Hopper"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["UserPatch"];
            };
        };
        responses: {
            /** @description Update a user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *       "username": "ben",
                     *       "email": "ben@example.com",
                     *       "emailVerified": true,
                     *       "name": "Ben",
                     *       "surname": "Turner",
                     *       "displayName": "Ben Turner",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "enabled": true,
                     *       "createdAt": "2026-11-01T08:00:00.000Z",
                     *       "lastLoginAt": "2026-11-20T09:00:00.000Z",
                     *       "version": 4
                     *     }
                     */
                    "application/json": components["schemas"]["User"];
                };
            };
        };
    };
    getUserLock: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get the locks of a user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "locked": false,
                     *       "api": {
                     *         "lockedUntil": null,
                     *         "lockedSources": 0,
                     *         "failures": 1
                     *       },
                     *       "keycloak": {
                     *         "locked": false,
                     *         "failures": 0
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["UserLock"];
                };
            };
        };
    };
    liftUserLock: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Lift the locks of a user */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    signOutUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Sign out a user */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    mailPasswordReset: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Mail a password reset link to a user */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    grantRole: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
                role: components["schemas"]["Role"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Grant a role to a user */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    revokeRole: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
                role: components["schemas"]["Role"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Revoke a role from a user */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listUserSessions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the sessions of a user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "7d3a0f5b-2c1e-4b8a-9f60-1b2c3d4e5f60",
                     *           "startedAt": "2026-11-20T09:00:00.000Z",
                     *           "lastUsedAt": "2026-11-20T09:30:00.000Z",
                     *           "clients": [
                     *             "clientele-console"
                     *           ],
                     *           "ipAddress": "203.0.113.7",
                     *           "offline": false,
                     *           "current": true
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["UserSessions"];
                };
            };
        };
    };
    endUserSession: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
                sessionId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End a session of a user */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getMe: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get your own profile */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *       "username": "ben",
                     *       "email": "ben@example.com",
                     *       "emailVerified": true,
                     *       "name": "Ben",
                     *       "surname": "Turner",
                     *       "displayName": "Ben Turner",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "enabled": true,
                     *       "createdAt": "2026-11-01T08:00:00.000Z",
                     *       "lastLoginAt": "2026-11-20T09:00:00.000Z",
                     *       "version": 4,
                     *       "pendingEmail": null
                     *     }
                     */
                    "application/json": components["schemas"]["Profile"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deleteMe: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete your own account */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateMe: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Benjamin"
                 *     }
                 */
                "application/json": components["schemas"]["ProfilePatch"];
                /**
                 * @example {
                 *       "name": "Benjamin"
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["ProfilePatch"];
            };
        };
        responses: {
            /** @description Update your own profile */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *       "username": "ben",
                     *       "email": "ben@example.com",
                     *       "emailVerified": true,
                     *       "name": "Ben",
                     *       "surname": "Turner",
                     *       "displayName": "Ben Turner",
                     *       "roles": [
                     *         "user"
                     *       ],
                     *       "enabled": true,
                     *       "createdAt": "2026-11-01T08:00:00.000Z",
                     *       "lastLoginAt": "2026-11-20T09:00:00.000Z",
                     *       "version": 4,
                     *       "pendingEmail": null
                     *     }
                     */
                    "application/json": components["schemas"]["Profile"];
                };
            };
        };
    };
    listMySessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List your own sessions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "7d3a0f5b-2c1e-4b8a-9f60-1b2c3d4e5f60",
                     *           "startedAt": "2026-11-20T09:00:00.000Z",
                     *           "lastUsedAt": "2026-11-20T09:30:00.000Z",
                     *           "clients": [
                     *             "clientele-console"
                     *           ],
                     *           "ipAddress": "203.0.113.7",
                     *           "offline": false,
                     *           "current": true
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["UserSessions"];
                };
            };
        };
    };
    endMySession: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                sessionId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End one of your own sessions */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listWebhooks: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                createdAt?: string;
                /** @description Whether there is a value. */
                "createdAt[exists]"?: boolean;
                /** @description Greater than the value. */
                "createdAt[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "createdAt[gte]"?: string;
                /** @description Less than the value. */
                "createdAt[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "createdAt[lte]"?: string;
                /** @description Not equal to the value. */
                "createdAt[ne]"?: string;
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `createdAt`. */
                sort?: ("createdAt" | "-createdAt")[];
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List webhooks, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-0000000000b0",
                     *           "url": "https://shop.example.com/hooks/clientele",
                     *           "events": [
                     *             "order.*",
                     *             "customer.created.v1"
                     *           ],
                     *           "description": "The warehouse",
                     *           "active": true,
                     *           "ordered": false,
                     *           "payload": "full",
                     *           "pausedReason": null,
                     *           "state": "active",
                     *           "position": 48211,
                     *           "behind": 0,
                     *           "lastSuccessAt": "2026-11-21T14:06:01.120Z",
                     *           "failingSince": null,
                     *           "replay": null,
                     *           "createdAt": "2026-11-20T09:30:00.000Z",
                     *           "createdBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "updatedAt": "2026-11-21T14:05:12.345Z",
                     *           "updatedBy": {
                     *             "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *             "displayName": "Ben Turner"
                     *           },
                     *           "version": 2
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookPage"];
                };
            };
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "url": "https://shop.example.com/hooks/clientele",
                 *       "events": [
                 *         "order.*",
                 *         "customer.created.v1"
                 *       ],
                 *       "description": "The warehouse",
                 *       "ordered": false,
                 *       "payload": "full"
                 *     }
                 */
                "application/json": components["schemas"]["NewWebhook"];
            };
        };
        responses: {
            /** @description Create a webhook */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000b0",
                     *       "url": "https://shop.example.com/hooks/clientele",
                     *       "events": [
                     *         "order.*",
                     *         "customer.created.v1"
                     *       ],
                     *       "description": "The warehouse",
                     *       "active": true,
                     *       "ordered": false,
                     *       "payload": "full",
                     *       "pausedReason": null,
                     *       "state": "active",
                     *       "position": 48100,
                     *       "behind": 0,
                     *       "lastSuccessAt": null,
                     *       "failingSince": null,
                     *       "replay": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 1,
                     *       "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDdQoZ8aBPdZ8="
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookWithSecret"];
                };
            };
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that the client has. If the resource has not changed since, the response is 304. */
                "If-None-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Get a webhook */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000b0",
                     *       "url": "https://shop.example.com/hooks/clientele",
                     *       "events": [
                     *         "order.*",
                     *         "customer.created.v1"
                     *       ],
                     *       "description": "The warehouse",
                     *       "active": true,
                     *       "ordered": false,
                     *       "payload": "full",
                     *       "pausedReason": null,
                     *       "state": "active",
                     *       "position": 48211,
                     *       "behind": 0,
                     *       "lastSuccessAt": "2026-11-21T14:06:01.120Z",
                     *       "failingSince": null,
                     *       "replay": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            /** @description Not changed since the version that `If-None-Match` names */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    deleteWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a webhook */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "events": [
                 *         "order.*",
                 *         "product.*"
                 *       ],
                 *       "active": true
                 *     }
                 */
                "application/json": components["schemas"]["WebhookPatch"];
                /**
                 * @example {
                 *       "events": [
                 *         "order.*",
                 *         "product.*"
                 *       ],
                 *       "active": true
                 *     }
                 */
                "application/merge-patch+json": components["schemas"]["WebhookPatch"];
            };
        };
        responses: {
            /** @description Update a webhook */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000b0",
                     *       "url": "https://shop.example.com/hooks/clientele",
                     *       "events": [
                     *         "order.*",
                     *         "customer.created.v1"
                     *       ],
                     *       "description": "The warehouse",
                     *       "active": true,
                     *       "ordered": false,
                     *       "payload": "full",
                     *       "pausedReason": null,
                     *       "state": "active",
                     *       "position": 48211,
                     *       "behind": 0,
                     *       "lastSuccessAt": "2026-11-21T14:06:01.120Z",
                     *       "failingSince": null,
                     *       "replay": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
        };
    };
    listWebhookDeliveries: {
        parameters: {
            query?: {
                /** @description A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC. */
                at?: string;
                /** @description Whether there is a value. */
                "at[exists]"?: boolean;
                /** @description Greater than the value. */
                "at[gt]"?: string;
                /** @description Greater than the value or equal to it. */
                "at[gte]"?: string;
                /** @description Less than the value. */
                "at[lt]"?: string;
                /** @description Less than the value or equal to it. */
                "at[lte]"?: string;
                /** @description Not equal to the value. */
                "at[ne]"?: string;
                /** @description The `nextCursor` or `prevCursor` of another page of the list. */
                cursor?: string;
                /** @description The ids of the rows, up to 100, separated by commas. An id that does not exist is left out. */
                id?: string[];
                /** @description Rows per page. Default: 50, with `id` 100. */
                limit?: number;
                /** @description Rows to skip. Cannot be used together with `cursor`. */
                offset?: number;
                /** @description Fields to sort by, separated by commas; a leading `-` means descending. Default: `-at`. */
                sort?: ("at" | "-at")[];
                /** @description One of `delivered`, `failed`. */
                status?: components["schemas"]["WebhookDeliveryStatus"][];
                /** @description Not equal to the value. */
                "status[ne]"?: components["schemas"]["WebhookDeliveryStatus"][];
                /** @description The id of the record that the event is about. Separate alternatives with commas. */
                subject?: string;
                /** @description Not equal to the value. */
                "subject[ne]"?: string;
                /** @description How far rows are counted for `page.total`: up to 1,000, with `exact` up to 10,000, with `none` not at all. */
                total?: "exact" | "none";
                /** @description An event type, such as `order.placed.v1`. Separate alternatives with commas. */
                type?: string;
                /** @description Not equal to the value. */
                "type[ne]"?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description List the attempts of a webhook, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "data": [
                     *         {
                     *           "id": "0190a5c4-6f00-7000-8000-0000000000b2",
                     *           "webhookId": "0190a5c4-6f00-7000-8000-0000000000b0",
                     *           "seq": 48211,
                     *           "eventId": "0190a5c4-6f00-7000-8000-0000000000b3",
                     *           "type": "order.placed.v1",
                     *           "subject": "0190a5c4-6f00-7000-8000-000000000020",
                     *           "at": "2026-11-21T14:06:01.036Z",
                     *           "attempt": 1,
                     *           "status": "delivered",
                     *           "responseStatus": 200,
                     *           "error": null,
                     *           "durationMs": 84,
                     *           "answer": "ok",
                     *           "nextAttemptAt": null
                     *         }
                     *       ],
                     *       "page": {
                     *         "limit": 50,
                     *         "nextCursor": null,
                     *         "prevCursor": null,
                     *         "total": 1,
                     *         "totalRelation": "eq"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookDeliveryPage"];
                };
            };
        };
    };
    resendWebhookDelivery: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                deliveryId: string;
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Send the event of an attempt once more */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    replayWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "since": "2026-11-20T00:00:00.000Z",
                 *       "until": "2026-11-21T00:00:00.000Z",
                 *       "type": [
                 *         "order.*"
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["NewWebhookReplay"];
            };
        };
        responses: {
            /** @description Send recorded events once more */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000b0",
                     *       "url": "https://shop.example.com/hooks/clientele",
                     *       "events": [
                     *         "order.*",
                     *         "customer.created.v1"
                     *       ],
                     *       "description": "The warehouse",
                     *       "active": true,
                     *       "ordered": false,
                     *       "payload": "full",
                     *       "pausedReason": null,
                     *       "state": "active",
                     *       "position": 48211,
                     *       "behind": 0,
                     *       "lastSuccessAt": "2026-11-21T14:06:01.120Z",
                     *       "failingSince": null,
                     *       "replay": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
        };
    };
    resumeWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Resume a paused webhook */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000b0",
                     *       "url": "https://shop.example.com/hooks/clientele",
                     *       "events": [
                     *         "order.*",
                     *         "customer.created.v1"
                     *       ],
                     *       "description": "The warehouse",
                     *       "active": true,
                     *       "ordered": false,
                     *       "payload": "full",
                     *       "pausedReason": null,
                     *       "state": "active",
                     *       "position": 48211,
                     *       "behind": 0,
                     *       "lastSuccessAt": "2026-11-21T14:06:01.120Z",
                     *       "failingSince": null,
                     *       "replay": null,
                     *       "createdAt": "2026-11-20T09:30:00.000Z",
                     *       "createdBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "updatedAt": "2026-11-21T14:05:12.345Z",
                     *       "updatedBy": {
                     *         "id": "5a1f6f0e-8f2b-4c0e-9d43-0d6f3b1f8a11",
                     *         "displayName": "Ben Turner"
                     *       },
                     *       "version": 2
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
        };
    };
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Give a webhook a new secret */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDdQoZ8aBPdZ8=",
                     *       "previousExpiresAt": "2026-11-22T14:05:12.345Z"
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookSecret"];
                };
            };
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Send a test to a webhook */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0190a5c4-6f00-7000-8000-0000000000b1",
                     *       "status": "delivered",
                     *       "responseStatus": 200,
                     *       "error": null,
                     *       "durationMs": 84,
                     *       "answer": "ok"
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookTest"];
                };
            };
        };
    };
}

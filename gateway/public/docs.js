const { clientId, openapi } = document.getElementById('swagger-ui').dataset

const ui = SwaggerUIBundle({
  url: openapi,
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  oauth2RedirectUrl: `${location.origin}/docs/oauth2-redirect.html`,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
})
ui.initOAuth({
  clientId,
  scopes: 'openid',
  usePkceWithAuthorizationCodeGrant: true,
  // Some operations require a sign-in of the last five minutes.
  additionalQueryStringParams: { max_age: '300' },
})

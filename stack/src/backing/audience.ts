/** The audience of access tokens for Clientele, and the name of the client scope that adds it. */
export const audience = 'clientele-api'

/** Adds the audience to the access tokens of a client. */
export const audienceMapper = {
  name: `audience ${audience}`,
  protocol: 'openid-connect',
  protocolMapper: 'oidc-audience-mapper',
  config: {
    'included.custom.audience': audience,
    'access.token.claim': 'true',
    'id.token.claim': 'false',
    'introspection.token.claim': 'true',
  },
}

/** The client scope that every new client of the realm gets. */
export const audienceScope = {
  name: audience,
  description: 'Access to the API of Clientele',
  protocol: 'openid-connect',
  attributes: { 'include.in.token.scope': 'false', 'display.on.consent.screen': 'false' },
  protocolMappers: [audienceMapper],
}

const { clientId, openapi } = document.getElementById('swagger-ui').dataset

/** Shows the errors of an operation as one folded list. Swagger UI has a row with a sample for each, which fills the page. */
const foldedErrors = () => ({
  wrapComponents: {
    responses:
      (Original, { React: { createElement: element, Fragment } }) =>
      (props) => {
        const isError = (_response, status) => Number(status) >= 400
        const errors = props.responses?.filter(isError).entrySeq().toArray() ?? []
        if (errors.length === 0) return element(Original, props)
        // A description has the codes in backticks.
        const linked = (description = '') =>
          description
            .split('`')
            .map((text, index) =>
              index % 2 === 0
                ? text
                : element(
                    'a',
                    { key: text, href: `/problems/${text.replaceAll('_', '-')}` },
                    element('code', {}, text),
                  ),
            )
        return element(
          Fragment,
          {},
          element(Original, { ...props, responses: props.responses.filterNot(isError) }),
          element(
            'details',
            { className: 'errors' },
            element('summary', {}, `Errors: ${errors.map(([status]) => status).join(', ')}`),
            element(
              'ul',
              {},
              errors.map(([status, response]) =>
                element('li', { key: status }, `${status} `, ...linked(response.get('description'))),
              ),
            ),
          ),
        )
      },
  },
})

/** Shows in the list of operations which of them only admins may call. */
const roleBadges = () => ({
  wrapComponents: {
    OperationSummaryPath:
      (Original, { React: { createElement: element, Fragment }, specSelectors }) =>
      (props) => {
        const { path, method } = props.operationProps.toObject()
        const roles = specSelectors.specJson().getIn(['paths', path, method, 'x-roles'])
        const needsAdmin = roles?.includes('admin')
        const badge = needsAdmin && element('span', { className: 'role' }, 'admin')
        return element(Fragment, {}, element(Original, props), badge)
      },
  },
})

/** Parses the document as JSON. Swagger UI reads it as YAML, which takes a tenth of the time until the page is ready. */
const parsedAsJson = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        parseToJson:
          (_original, { specActions }) =>
          (text) =>
            specActions.updateJsonSpec(JSON.parse(text)),
      },
    },
  },
})

const ui = SwaggerUIBundle({
  url: openapi,
  dom_id: '#swagger-ui',
  deepLinking: true,
  // All operations at once would take seconds to show.
  docExpansion: 'none',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  oauth2RedirectUrl: `${location.origin}/docs/oauth2-redirect.html`,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [foldedErrors, roleBadges, parsedAsJson],
  layout: 'BaseLayout',
})
ui.initOAuth({
  clientId,
  scopes: 'openid',
  usePkceWithAuthorizationCodeGrant: true,
  // Some operations require a sign-in of the last five minutes.
  additionalQueryStringParams: { max_age: '300' },
})

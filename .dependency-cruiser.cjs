// Who may import whom, checked by `npm run check`. The arrows are drawn in docs/adr/0030-three-shared-packages-in-layers.md.

/** The platform's layers with those below them that each may use. */
const platform = {
  runtime: [],
  data: ['runtime'],
  auth: ['runtime'],
  lists: ['data', 'runtime'],
  events: ['data', 'runtime'],
  http: ['auth', 'data', 'runtime'],
  service: ['auth', 'http', 'events', 'data', 'runtime'],
}
const features = {
  reconciliation: [],
  users: ['reconciliation'],
  jobs: ['users'],
  tables: [],
  uploads: [],
  photos: ['uploads'],
  imports: ['jobs', 'tables', 'uploads'],
  exports: ['jobs', 'tables'],
}

const layers = (name, all) =>
  Object.entries(all).map(([layer, below]) => ({
    name: `${name}-${layer}`,
    severity: 'error',
    from: { path: `^${name}/src/${layer}/` },
    to: { path: `^${name}/src/`, pathNot: `^${name}/src/(${[layer, ...below].join('|')})/` },
  }))

const processes = 'gateway|stack|e2e|bench|[a-z]+-service'

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'everything-is-found', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'platform-knows-no-product',
      severity: 'error',
      from: { path: '^platform/src/' },
      to: {
        path: `^(features|${processes})/|^contracts/src/(?!event|broker-accounts|problem|page|fields|revocation|revoking-events)`,
      },
    },
    {
      name: 'features-know-no-service',
      severity: 'error',
      from: { path: '^features/src/' },
      to: { path: `^(${processes})/` },
    },
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      from: { path: '^contracts/' },
      to: { path: `^(platform|features|${processes})/` },
    },
    {
      name: 'no-service-knows-another',
      severity: 'error',
      from: { path: '^([a-z]+-service)/src/' },
      to: { path: '^([a-z]+-service|gateway|stack)/', pathNot: '^$1/' },
    },
    {
      name: 'client-stands-alone',
      severity: 'error',
      from: { path: '^client/src/' },
      to: { pathNot: '^client/src/' },
    },
    {
      name: 'front-ends-know-the-client-only',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: `^(contracts|platform|features|${processes})/` },
    },
    {
      name: 'gateway-has-no-database',
      severity: 'error',
      from: { path: '^gateway/src/' },
      to: { path: '^platform/src/(data|lists)/|^features/|node_modules/(pg|sequelize)/' },
    },
    ...layers('platform', platform),
    ...layers('features', features),
  ],
  options: {
    doNotFollow: { path: 'node_modules/(?!@clientele)' },
    // TypeScript 7 has no JavaScript API yet; swc also sees imports of types.
    parser: 'swc',
    exclude: { path: '(^|/)(generated|dist)/' },
    // Without these the workspaces' own packages are not resolved, and every rule passes.
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
}

/** Bodies that are a file of their own are left out: orval mixes up a body that may be JSON, a form or a file. */
const files = [
  'image/*',
  'text/csv',
  'text/tab-separated-values',
  'text/plain',
  'application/x-ndjson',
  'application/gzip',
  'application/octet-stream',
]

export default {
  clientele: {
    input: '../openapi.json',
    output: {
      target: 'api.ts',
      client: 'fetch',
      override: { contentType: { exclude: files }, mutator: { path: './fetch.ts', name: 'clienteleFetch' } },
    },
  },
}

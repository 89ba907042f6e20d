import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testEnv } from '@clientele/platform/testing/database'
import pg from 'pg'

const defaults = { name: 'Ana', sort: 'id', limit: '10', id: '1' }

/**
 * A server with SQL injections, on the test run's PostgreSQL: `name`, `sort` and `limit` are concatenated into the statement,
 * `id` is a bound parameter. Its temporary table has made-up rows only.
 */
export const startInjectableServer = async () => {
  const client = new pg.Client({ connectionString: testEnv('TEST_POSTGRES_URL'), statement_timeout: 10_000 })
  await client.connect()
  await client.query(`create temporary table leaky as
    select number as id, case when number % 2 = 0 then 'Ana' else 'Bea' end as name from generate_series(1, 20) number`)
  const server = createServer((req, res) => {
    const query = new URL(req.url ?? '/', 'http://localhost').searchParams
    const { name, sort, limit, id } = { ...defaults, ...Object.fromEntries(query) }
    const text = `select id, name from leaky where name = '${name}' and id >= $1::text::int order by ${sort} limit ${limit}`
    // Like our API it hides the error of the database, which would make injections easy to find.
    client.query(text, [id]).then(
      ({ rows }) => res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ data: rows })),
      () => res.writeHead(400, { 'Content-Type': 'application/json' }).end('{"title":"Malformed request"}'),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/?${new URLSearchParams(defaults)}`,
    close: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await client.end()
    },
  }
}

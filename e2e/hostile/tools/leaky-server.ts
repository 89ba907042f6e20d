import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testEnv } from '@clientele/platform/testing/database'
import pg from 'pg'

const plain = { name: 'Ana', sort: 'id', limit: '10', id: '1' }

/**
 * A list as it must never be written, on the test run's PostgreSQL: `name`, `sort` and `limit` are pasted into the
 * statement, `id` is bound. It holds made-up rows only.
 */
export const startLeakyServer = async () => {
  const client = new pg.Client({ connectionString: testEnv('TEST_POSTGRES_URL'), statement_timeout: 10_000 })
  await client.connect()
  await client.query(`create temporary table leaky as
    select number as id, case when number % 2 = 0 then 'Ana' else 'Bea' end as name from generate_series(1, 20) number`)
  const server = createServer((req, res) => {
    const given = new URL(req.url ?? '/', 'http://localhost').searchParams
    const { name, sort, limit, id } = { ...plain, ...Object.fromEntries(given) }
    const text = `select id, name from leaky where name = '${name}' and id >= $1::text::int order by ${sort} limit ${limit}`
    // A bland answer to what fails, like ours: the message of the database would make it too easy.
    client.query(text, [id]).then(
      ({ rows }) => res.setHeader('Content-Type', 'application/json').end(JSON.stringify({ data: rows })),
      () => res.writeHead(400, { 'Content-Type': 'application/json' }).end('{"title":"Malformed request"}'),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/?${new URLSearchParams(plain)}`,
    close: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await client.end()
    },
  }
}

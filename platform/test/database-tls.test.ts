import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { createDb } from '@clientele/platform/data/db'
import { migrate } from '@clientele/platform/data/migrate'
import { loadConfig } from '@clientele/platform/runtime/config'
import { eventually } from '@clientele/platform/testing/wait'
import { type Running, startPostgres } from '@clientele/stack/backing/postgres'
import { giveTo, unprivilegedAccount } from '@clientele/stack/processes/unprivileged'
import { freePorts } from '@clientele/stack/profile/ports'
import pg from 'pg'

const home = mkdtempSync(join(tmpdir(), 'clientele-tls-'))
const certificate = join(home, 'server.crt')
const key = join(home, 'server.key')
let server: Running
let port = 0

/** A PostgreSQL that speaks TLS with a certificate of its own for `localhost`, and plain text as well. */
beforeAll(async () => {
  chmodSync(home, 0o711)
  const [free = 0] = await freePorts(1)
  port = free
  server = await startPostgres({ home, port, password: 'pw', durable: false })
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate]
  await promisify(execFile)('openssl', [...made, ...name])
  chmodSync(key, 0o600)
  giveTo(unprivilegedAccount(), key)
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  await client.query(`alter system set ssl_cert_file = '${certificate}'`)
  await client.query(`alter system set ssl_key_file = '${key}'`)
  await client.query('alter system set ssl = on')
  await client.query('select pg_reload_conf()')
  await client.end()
  await eventually(async () => expect(await encrypted('sslmode=no-verify')).toBe(true))
}, 120_000)
afterAll(async () => {
  await server?.stop()
  rmSync(home, { recursive: true, force: true })
})

const addressOf = (parameters: string, host = 'localhost') =>
  `postgres://postgres:pw@${host}:${port}/postgres?${parameters}`
/** Whether a service's connection is encrypted. */
const encrypted = async (parameters: string, host?: string): Promise<boolean | undefined> => {
  const config = loadConfig(databaseConfig, { DATABASE_URL: addressOf(parameters, host) })
  const db = createDb({ ...config, databasePoolMax: 1 }, 'public')
  try {
    const [row] = await db.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    return row?.ssl
  } finally {
    await db.close()
  }
}

describe('TLS to PostgreSQL (S1-35)', () => {
  it.each(['require', 'verify-ca', 'verify-full'])(
    'sslmode=%s wants a certificate of a known authority',
    async (mode) => {
      await expect(encrypted(`sslmode=${mode}`)).rejects.toMatchObject({
        cause: { message: /self-signed certificate/ },
      })
      expect(await encrypted(`sslmode=${mode}&sslrootcert=${certificate}`)).toBe(true)
    },
  )

  it('wants a certificate for the host', async () => {
    await expect(encrypted(`sslmode=verify-full&sslrootcert=${certificate}`, '127.0.0.1')).rejects.toHaveProperty(
      'cause.message',
      expect.stringMatching(/not in the cert/),
    )
  })

  it('is off by sslmode=disable, and without sslmode; no-verify takes any certificate', async () => {
    expect(await encrypted('sslmode=disable')).toBe(false)
    expect(await encrypted('')).toBe(false)
    expect(await encrypted('sslmode=no-verify')).toBe(true)
  })

  it('is decided by PGSSLMODE where the address has no sslmode', async () => {
    process.env['PGSSLMODE'] = 'no-verify'
    try {
      expect(await encrypted('')).toBe(true)
      expect(await encrypted('sslmode=disable')).toBe(false)
    } finally {
      delete process.env['PGSSLMODE']
    }
  })

  it('holds for migrations', async () => {
    const folder = new URL('./migrations/', import.meta.url)
    await expect(migrate(addressOf('sslmode=verify-full'), folder)).rejects.toThrow(/self-signed certificate/)
    expect(await migrate(addressOf(`sslmode=verify-full&sslrootcert=${certificate}`), folder)).not.toEqual([])
  })

  it('is refused where the mode is unknown or a file cannot be read, by name and without the password', () => {
    const load = (parameters: string, more = {}) =>
      loadConfig(databaseConfig, { DATABASE_URL: addressOf(parameters), ...more })
    const modes = /DATABASE_URL: sslmode must be one of disable, require, verify-ca, verify-full, no-verify$/
    for (const mode of ['prefer', 'verify_full', 'bogus']) expect(() => load(`sslmode=${mode}`)).toThrow(modes)
    expect(() => load('sslmode=verify-full&sslrootcert=/nowhere')).toThrow(/: the file of sslrootcert cannot be read$/)
    expect(() => load('', { PGSSLMODE: 'verify_full' })).toThrow(/PGSSLMODE/)
    expect(() => load('sslmode=bogus')).not.toThrow(/:pw@/)
  })
})

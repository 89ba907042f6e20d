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
import { type ServiceHandle, startPostgres } from '@clientele/stack/backing/postgres'
import { chownTo, unprivilegedAccount } from '@clientele/stack/processes/unprivileged'
import { freePorts } from '@clientele/stack/profile/ports'
import pg from 'pg'

const home = mkdtempSync(join(tmpdir(), 'clientele-tls-'))
const certificate = join(home, 'server.crt')
const key = join(home, 'server.key')
let server: ServiceHandle
let port = 0

/** Starts a PostgreSQL that accepts TLS, with a self-signed certificate for `localhost`, and plain connections. */
beforeAll(async () => {
  chmodSync(home, 0o711)
  const [free = 0] = await freePorts(1)
  port = free
  server = await startPostgres({ home, port, password: 'pw', durable: false })
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate]
  await promisify(execFile)('openssl', [...request, ...name])
  chmodSync(key, 0o600)
  chownTo(unprivilegedAccount(), key)
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  await client.query(`alter system set ssl_cert_file = '${certificate}'`)
  await client.query(`alter system set ssl_key_file = '${key}'`)
  await client.query('alter system set ssl = on')
  await client.query('select pg_reload_conf()')
  await client.end()
  await eventually(async () => expect(await isEncrypted('sslmode=no-verify')).toBe(true))
}, 120_000)
afterAll(async () => {
  await server?.stop()
  rmSync(home, { recursive: true, force: true })
})

const addressOf = (parameters: string, host = 'localhost') =>
  `postgres://postgres:pw@${host}:${port}/postgres?${parameters}`
/** Whether the connection of a service is encrypted. */
const isEncrypted = async (parameters: string, host?: string): Promise<boolean | undefined> => {
  const config = loadConfig(databaseConfig, { DATABASE_URL: addressOf(parameters, host) })
  const db = createDb({ ...config, databasePoolMax: 1 }, 'public')
  try {
    const [row] = await db.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    return row?.ssl
  } finally {
    await db.close()
  }
}

describe('TLS to PostgreSQL', () => {
  it.each(['require', 'verify-ca', 'verify-full'])(
    'sslmode=%s refuses a certificate of an unknown authority',
    async (mode) => {
      await expect(isEncrypted(`sslmode=${mode}`)).rejects.toMatchObject({
        cause: { message: /self-signed certificate/ },
      })
      expect(await isEncrypted(`sslmode=${mode}&sslrootcert=${certificate}`)).toBe(true)
    },
  )

  it('sslmode=verify-full refuses a certificate for another host', async () => {
    await expect(isEncrypted(`sslmode=verify-full&sslrootcert=${certificate}`, '127.0.0.1')).rejects.toHaveProperty(
      'cause.message',
      expect.stringMatching(/not in the cert/),
    )
  })

  it('connections are plain with sslmode=disable or without sslmode, and no-verify accepts any certificate', async () => {
    expect(await isEncrypted('sslmode=disable')).toBe(false)
    expect(await isEncrypted('')).toBe(false)
    expect(await isEncrypted('sslmode=no-verify')).toBe(true)
  })

  it('PGSSLMODE applies if the URL has no sslmode', async () => {
    process.env['PGSSLMODE'] = 'no-verify'
    try {
      expect(await isEncrypted('')).toBe(true)
      expect(await isEncrypted('sslmode=disable')).toBe(false)
    } finally {
      delete process.env['PGSSLMODE']
    }
  })

  it('migrations connect with the sslmode of the URL', async () => {
    const migrated = { schema: 'public', migrations: new URL('./migrations/', import.meta.url) }
    await expect(migrate(addressOf('sslmode=verify-full'), migrated)).rejects.toThrow(/self-signed certificate/)
    expect(await migrate(addressOf(`sslmode=verify-full&sslrootcert=${certificate}`), migrated)).not.toEqual([])
  })

  it('loadConfig refuses an unknown sslmode and an unreadable file by name, without the password', () => {
    const load = (parameters: string, more = {}) =>
      loadConfig(databaseConfig, { DATABASE_URL: addressOf(parameters), ...more })
    const modes = /DATABASE_URL: sslmode must be one of disable, require, verify-ca, verify-full, no-verify$/
    for (const mode of ['prefer', 'verify_full', 'bogus']) expect(() => load(`sslmode=${mode}`)).toThrow(modes)
    expect(() => load('sslmode=verify-full&sslrootcert=/nowhere')).toThrow(/: the file of sslrootcert cannot be read$/)
    expect(() => load('', { PGSSLMODE: 'verify_full' })).toThrow(/PGSSLMODE/)
    expect(() => load('sslmode=bogus')).not.toThrow(/:pw@/)
  })
})

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secretsOf } from '../src/profile/secrets.ts'

describe('Secrets of a data folder', () => {
  let home = ''
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'clientele-secrets-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  it('secrets are random, stay the same, and only their owner can read them', () => {
    const first = secretsOf(home)
    expect(new Set(Object.values(first)).size).toBe(Object.keys(first).length)
    expect(Math.min(...Object.values(first).map(({ length }) => length))).toBeGreaterThanOrEqual(32)
    expect(secretsOf(home)).toEqual(first)
    expect(statSync(join(home, 'secrets.json')).mode & 0o777).toBe(0o600)
  })

  it('a secret that a later version adds is created, and the others stay the same', () => {
    writeFileSync(join(home, 'secrets.json'), JSON.stringify({ login: 'kept' }))
    const secrets = secretsOf(home)
    expect(secrets.login).toBe('kept')
    expect(JSON.parse(readFileSync(join(home, 'secrets.json'), 'utf8'))).toEqual(secrets)
  })

  it('secrets of an external Keycloak come from the environment and are not stored', () => {
    expect(secretsOf(home, { CLIENTELE_LOGIN_SECRET: 'from outside' }).login).toBe('from outside')
    expect(readFileSync(join(home, 'secrets.json'), 'utf8')).not.toContain('from outside')
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../src/processes/folders.ts'
import { portDefaults } from '../src/profile/ports.ts'
import { services } from '../src/profile/services.ts'

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8')
const compose = read('docker-compose.yml')
const sample = new Map(
  [...read('.env.sample').matchAll(/^#([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name, value]) => [name, value]),
)
/** The settings that `.env` may set: `${NAME:-default}`, and names that are passed on as they are. */
const settings = [...compose.matchAll(/\$\{([A-Z][A-Z0-9_]*)(?::?-([^{}]*))?\}|^ +([A-Z][A-Z0-9_]*):$/gm)]

describe('docker-compose.yml', () => {
  it('every image has the version in package.json as its default tag', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string }
    const tags = [...compose.matchAll(/\$\{CLIENTELE_IMAGE_TAG:-([^}]*)\}/g)].map(([, tag]) => tag)
    expect(tags.length).toBeGreaterThan(services.length)
    expect([...new Set(tags)]).toEqual([version])
  })

  it('docker-compose.yml uses only settings that .env.sample lists', () => {
    const names = settings.map(([, name, , passed]) => name ?? passed)
    expect(names.length).toBeGreaterThan(50)
    expect(names.filter((name) => !sample.has(name))).toEqual([])
  })

  it('every default secret begins with local-only-, and .env.sample does not repeat it', () => {
    const secrets = settings.filter(([, name, value]) => value && /PASSWORD$|SECRET$|_KEY$/.test(name ?? ''))
    expect(secrets.length).toBeGreaterThan(10)
    expect(secrets.filter(([, , value]) => !value?.startsWith('local-only-'))).toEqual([])
    expect(secrets.filter(([, name]) => sample.get(name) !== '')).toEqual([])
  })

  it('docker-compose.yml publishes ports on loopback only', () => {
    const lists = [...compose.matchAll(/^ +ports: (\[.*\])$/gm)].map(([, list]) => JSON.parse(list ?? '') as string[])
    expect(lists).toHaveLength(compose.match(/^ +ports:/gm)?.length ?? 0)
    expect(lists.flat().filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
  })

  it('docker-compose.yml publishes the port of the broker where docs/events.md says', () => {
    const { RABBITMQ_PORT: port } = portDefaults
    expect(compose).toContain(`"127.0.0.1:\${RABBITMQ_PORT:-${port}}:5672"`)
    expect(read('docs/events.md')).toContain(`amqp://localhost:${port}`)
  })

  it.each(services)('docker-compose.yml builds $name and migrates its schema first', ({ name, schema }) => {
    expect(compose).toMatch(new RegExp(`^  ${name}:\n(    .*\n)*    build: .*SERVICE: ${name} `, 'm'))
    if (schema) expect(compose).toContain(`      migrate-${schema.name}: { condition: service_completed_successfully }`)
  })
})

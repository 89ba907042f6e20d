import { readdirSync, readFileSync } from 'node:fs'
import { registry } from '@clientele/contracts/services'
import { portDefaults } from '@clientele/stack/profile/ports'
import { services as stackServices } from '@clientele/stack/profile/services'
import { z } from 'zod'
import { databaseConfig } from '../src/data/database-config.ts'
import { envName, serviceConfig } from '../src/runtime/config.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** Variables of each section of .env.sample with the value that stands there. */
const sections = new Map<string, Map<string, string>>()
for (const line of read('.env.sample').split('\n')) {
  const title = /^## (.+)$/.exec(line)?.[1]
  const [, name, value = ''] = /^#([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? []
  if (title !== undefined) sections.set(title, new Map())
  if (name !== undefined) [...sections.values()].at(-1)?.set(name, value)
}
const section = (start: string): Map<string, string> => {
  const title = [...sections.keys()].find((each) => each.startsWith(start))
  return sections.get(title ?? '') ?? new Map()
}

/** The default as text; empty where there is none. */
const defaultOf = (field: z.core.$ZodType): string => {
  const { data } = z.safeParse(z.object({ field }), {})
  const value: unknown = data?.field
  return value === undefined ? '' : String(value)
}
const expected = (shape: z.core.$ZodShape): Map<string, string> =>
  new Map(Object.entries(shape).map(([key, field]) => [envName(key), defaultOf(field)]))
const sorted = (map: Map<string, string>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)))

const names = [...registry.services.map(({ name }) => name), 'gateway']
const services: Record<string, z.core.$ZodShape> = Object.fromEntries(
  await Promise.all(
    names.map(async (name) => {
      const { configShape } = (await import(`../../${name}/src/config.ts`)) as { configShape: z.core.$ZodShape }
      return [name, configShape] as const
    }),
  ),
)

/** Files of the stack that only know an installation by the environment. */
const elsewhere = ['checks/remote-checks.ts', 'checks/realm-checks.ts', 'backup/installation.ts']
const schemaNames = () => stackServices.flatMap(({ schema }) => (schema ? [schema.name] : []))

describe('.env.sample (S3-07, S1-35, S1-40)', () => {
  it('has every variable that all services read, with its default', () => {
    expect(sorted(section('All services'))).toEqual(sorted(expected(serviceConfig)))
    expect(sorted(section('Services with a database'))).toEqual(sorted(expected(databaseConfig)))
  })

  it.each(Object.entries(services))('has every variable of %s with its default, and no other', (name, shape) => {
    const database = 'databaseUrl' in shape ? section('Services with a database') : new Map<string, string>()
    const written = new Map([...section('All services'), ...database, ...section(name)])
    expect(sorted(written)).toEqual(sorted(expected(shape)))
  })

  it('has every service', () => {
    const folders = readdirSync(root).filter((folder) => folder.endsWith('-service'))
    expect(Object.keys(services).sort()).toEqual([...folders, 'gateway'].sort())
  })

  it('has every variable of the local profile with its default, and no other', () => {
    const ports = new Map(Object.entries(portDefaults).map(([name, port]) => [name, String(port)]))
    const local = section('The local profile')
    for (const [name, port] of ports) expect([name, local.get(name)]).toEqual([name, port])
    // What belongs to the machine or to the test run is not ours to list.
    const others = /^(PATH|HOME|JAVA_HOME|XDG_CACHE_HOME|NODE_OPTIONS|TEST_.*|npm_.*)$/
    const files = readdirSync(new URL('stack/src/', root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !elsewhere.includes(file))
      .map((file) => read(`stack/src/${file}`))
    const used = files.flatMap((text) => [...text.matchAll(/\benv(?:\.|\[')([A-Z][A-Z0-9_]+)|'(CLIENTELE_[A-Z_]+)'/g)])
    const names = used
      .map(([, dotted, quoted]) => dotted ?? quoted ?? '')
      .filter((name) => !others.test(name) && !section('The realm').has(name))
    expect([...local.keys()].filter((name) => !ports.has(name)).sort()).toEqual(
      [...new Set([...names, 'CLIENTELE_PUBLIC_URL'])].filter((name) => !ports.has(name)).sort(),
    )
  })

  it('has every variable by which commands find an installation elsewhere, and no other', () => {
    const text = elsewhere.map((file) => read(`stack/src/${file}`)).join('\n')
    const used = [...text.matchAll(/\benv\.([A-Z][A-Z0-9_]+)|'([A-Z]+_[A-Z_]+)'|\b([A-Z]+_[A-Z_]+): \w+[, ]/g)]
    const databases = schemaNames().map((schema) => `${schema.toUpperCase()}_DATABASE_URL`)
    const names = [...databases, ...used.map(([, dotted, quoted, taken]) => dotted ?? quoted ?? taken ?? '')]
    expect([...section('An installation elsewhere').keys()].sort()).toEqual([...new Set(names)].sort())
  })

  it('has every placeholder of the realm file with its default, and no other', () => {
    const placeholders = [...read('deploy/keycloak/realm.json').matchAll(/\$\{(CLIENTELE_[A-Z_]+)(?::([^}]*))?\}/g)]
    const wanted = new Map(placeholders.map(([, name = '', value = '']) => [name, value]))
    expect(sorted(section('The realm'))).toEqual(sorted(wanted))
  })

  it('holds no secret and changes nothing when it is copied as it is', () => {
    const set = read('.env.sample')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(set).toEqual([])
    const secrets = [...sections.values()]
      .flatMap((variables) => [...variables])
      .filter(([name]) => /SECRET|PASSWORD$|_KEY$/.test(name))
    expect(secrets.length).toBeGreaterThan(5)
    for (const [, value] of secrets) expect(value).toBe('')
  })
})

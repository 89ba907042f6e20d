import { readdirSync, readFileSync } from 'node:fs'
import { brokerProcesses } from '@clientele/contracts/broker-accounts'
import { envPrefix, registry } from '@clientele/contracts/services'
import { portDefaults } from '@clientele/stack/profile/ports'
import { services as stackServices } from '@clientele/stack/profile/services'
import { z } from 'zod'
import { databaseConfig } from '../src/data/database-config.ts'
import { envName, serviceConfig } from '../src/runtime/config.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** The variables of each section of .env.sample with their values. */
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

/** The default of a setting as text; empty without a default. */
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

/** Files of the stack that find an installation by environment variables only. */
const remoteFiles = ['checks/remote-checks.ts', 'checks/realm-checks.ts', 'backup/installation.ts']
/** Checks settings of docker-compose.yml. */
const composeFile = 'profile/demo-settings.ts'
const schemaNames = () => stackServices.flatMap(({ schema }) => (schema ? [schema.name] : []))

describe('.env.sample', () => {
  it('.env.sample has every variable that all services read, with its default', () => {
    expect(sorted(section('All services'))).toEqual(sorted(expected(serviceConfig)))
    expect(sorted(section('Services with a database'))).toEqual(sorted(expected(databaseConfig)))
  })

  it.each(Object.entries(services))(
    '.env.sample has exactly the variables of %s, with their defaults',
    (name, shape) => {
      const database = 'databaseUrl' in shape ? section('Services with a database') : new Map<string, string>()
      const written = new Map([...section('All services'), ...database, ...section(name)])
      expect(sorted(written)).toEqual(sorted(expected(shape)))
    },
  )

  it('.env.sample has exactly the variables of the decoder of images, with their defaults', async () => {
    const { decoderConfigShape } = (await import('../../media-service/src/config.ts')) as {
      decoderConfigShape: z.core.$ZodShape
    }
    expect(sorted(section('The decoder of images'))).toEqual(sorted(expected(decoderConfigShape)))
  })

  it('.env.sample has a section for every service', () => {
    const folders = readdirSync(root).filter((folder) => folder.endsWith('-service'))
    expect(Object.keys(services).sort()).toEqual([...folders, 'gateway'].sort())
  })

  it('.env.sample has exactly the variables of the local profile, and the default ports', () => {
    const ports = new Map(Object.entries(portDefaults).map(([name, port]) => [name, String(port)]))
    const local = section('The local profile')
    for (const [name, port] of ports) expect([name, local.get(name)]).toEqual([name, port])
    // Variables of the machine and of test runs are not listed.
    const others = /^(PATH|HOME|JAVA_HOME|XDG_CACHE_HOME|NODE_OPTIONS|TEST_.*|npm_.*|CLIENTELE_STARTED_AT)$/
    const files = readdirSync(new URL('stack/src/', root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && ![...remoteFiles, composeFile].includes(file))
      .map((file) => read(`stack/src/${file}`))
    const pattern =
      /\benv(?:\.|\[')([A-Z][A-Z0-9_]+)|'(CLIENTELE_[A-Z_]+)'|variable: '([A-Z_]+)'|\(\{ ([A-Z_]+): \w+ \}: NodeJS.ProcessEnv/g
    const used = files.flatMap((text) => [...text.matchAll(pattern)].map((match) => match.slice(1).join('')))
    const ofServices = new Set(Object.keys(services).flatMap((name) => [...section(name).keys()]))
    const names = used.filter((name) => !others.test(name) && !section('The realm').has(name) && !ofServices.has(name))
    expect([...local.keys()].filter((name) => !ports.has(name)).sort()).toEqual(
      [...new Set([...names, 'CLIENTELE_PUBLIC_URL'])].filter((name) => !ports.has(name)).sort(),
    )
  })

  it('.env.sample has exactly the variables by which commands find another installation', () => {
    const text = remoteFiles.map((file) => read(`stack/src/${file}`)).join('\n')
    const used = [...text.matchAll(/\benv\.([A-Z][A-Z0-9_]+)|'([A-Z]+_[A-Z_]+)'|\b([A-Z]+_[A-Z_]+): \w+[, ]/g)]
    const databases = ['owner', ...schemaNames()].map((schema) => `${schema.toUpperCase()}_DATABASE_URL`)
    const brokers = brokerProcesses().map((process) => `${envPrefix(process)}_RABBITMQ_URL`)
    const names = [
      ...databases,
      ...brokers,
      // Read by a function that all commands use.
      'CLIENTELE_KEYCLOAK_ADMIN_USER',
      ...used.map(([, dotted, quoted, taken]) => dotted ?? quoted ?? taken ?? ''),
    ]
    expect([...section('An installation elsewhere').keys()].sort()).toEqual([...new Set(names)].sort())
  })

  it('.env.sample has exactly the placeholders of the realm file, with their defaults', () => {
    const placeholders = [...read('deploy/keycloak/realm.json').matchAll(/\$\{(CLIENTELE_[A-Z_]+)(?::([^}]*))?\}/g)]
    const wanted = new Map(placeholders.map(([, name = '', value = '']) => [name, value]))
    expect(sorted(section('The realm'))).toEqual(sorted(wanted))
  })

  it('.env.sample contains no secret and sets no variable', () => {
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

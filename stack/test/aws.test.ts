import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { envName } from '@clientele/platform/runtime/config'
import { z } from 'zod'
import { projectRoot } from '../src/processes/folders.ts'
import { services } from '../src/profile/services.ts'

const folder = join(projectRoot, 'deploy', 'aws', 'task-definitions')
const text = z.string().min(1)
const secret = /^arn:aws:ssm:\$\{AWS_REGION\}:\$\{AWS_ACCOUNT_ID\}:parameter\/clientele\/[a-z-]+$/

/** What ECS takes of a task definition, as far as ours use it. */
const Container = z.strictObject({
  name: text,
  image: text.regex(/:[^:]+$/),
  essential: z.boolean(),
  cpu: z.int(),
  memoryReservation: z.int(),
  memory: z.int().optional(),
  user: text.optional(),
  command: z.array(text).optional(),
  readonlyRootFilesystem: z.boolean().optional(),
  environment: z.array(z.strictObject({ name: text, value: text })),
  secrets: z.array(z.strictObject({ name: text, valueFrom: text.regex(secret) })),
  mountPoints: z.array(z.strictObject({ sourceVolume: text, containerPath: text, readOnly: z.boolean() })).optional(),
  portMappings: z
    .array(z.strictObject({ containerPort: z.int(), hostPort: z.int(), protocol: z.literal('tcp') }))
    .optional(),
  linuxParameters: z
    .strictObject({
      initProcessEnabled: z.boolean().optional(),
      tmpfs: z.array(z.strictObject({ containerPath: text, size: z.int() })),
    })
    .optional(),
  dependsOn: z.array(z.strictObject({ containerName: text, condition: z.literal('SUCCESS') })).optional(),
  stopTimeout: z.int().max(120).optional(),
  logConfiguration: z.strictObject({ logDriver: z.literal('awslogs'), options: z.record(text, text) }),
})
const Task = z.strictObject({
  family: text,
  requiresCompatibilities: z.array(z.literal('EC2')),
  networkMode: z.literal('host'),
  executionRoleArn: text,
  taskRoleArn: text.optional(),
  containerDefinitions: z.array(Container).min(1),
  volumes: z.array(z.looseObject({ name: text })).optional(),
})

const tasks = new Map(
  readdirSync(folder).map((file) => [
    file.replace('.json', ''),
    Task.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))),
  ]),
)
const shapes: Record<string, z.core.$ZodShape> = Object.fromEntries(
  await Promise.all(
    services.map(async ({ name }) => {
      const { configShape } = (await import(`../../${name}/src/config.ts`)) as { configShape: z.core.$ZodShape }
      return [name, configShape] as const
    }),
  ),
)
const valuesOf = (name: string) => {
  const container = tasks.get(name)?.containerDefinitions[0]
  const plain = container?.environment.map(({ name: key, value }) => [key, value] as const) ?? []
  return new Map([...plain, ...(container?.secrets.map(({ name: key }) => [key, 'a secret'] as const) ?? [])])
}

describe('the task definitions for ECS (S2-42)', () => {
  it('are there for every service, Keycloak, the migrations and the proxy', () => {
    const wanted = [...services.map(({ name }) => name), 'keycloak', 'migrate', 'proxy']
    expect([...tasks.keys()].sort()).toEqual(wanted.sort())
    for (const [name, task] of tasks) expect(task.family).toBe(`clientele-${name}`)
  })

  it.each(Object.entries(shapes))('name only variables that %s reads, and all that it requires', (name, shape) => {
    const given = valuesOf(name)
    // The last is Node's own: the authority of RDS.
    const known = [...Object.keys(shape).map(envName), 'NODE_EXTRA_CA_CERTS']
    expect([...given.keys()].filter((key) => !known.includes(key))).toEqual([])
    const required = Object.entries(shape).filter(([, field]) => !z.safeParse(field as z.ZodType, undefined).success)
    expect(required.map(([key]) => envName(key)).filter((key) => !given.has(key))).toEqual([])
  })

  it('give every service a port of its own, which its address in the others names', () => {
    const ports = Object.keys(shapes).flatMap((name) => [
      valuesOf(name).get('PORT'),
      valuesOf(name).get('INTERNAL_PORT'),
    ])
    expect(new Set(ports).size).toBe(ports.length)
    for (const name of Object.keys(shapes))
      for (const [key, value] of valuesOf(name)) {
        const [, service = '', internal] = /^(\w+_SERVICE)(_INTERNAL)?_URL$/.exec(key) ?? []
        if (service === '') continue
        const there = valuesOf(service.toLowerCase().replace('_', '-'))
        expect([key, value]).toEqual([key, `http://127.0.0.1:${there.get(internal ? 'INTERNAL_PORT' : 'PORT')}`])
      }
  })

  it('give Keycloak the values of the realm file that have no default', () => {
    const realm = readFileSync(join(projectRoot, 'deploy', 'keycloak', 'realm.json'), 'utf8')
    const required = [...realm.matchAll(/\$\{(CLIENTELE_[A-Z_]+)\}/g)].map(([, name]) => name)
    for (const name of required) expect(valuesOf('keycloak').has(String(name))).toBe(true)
  })

  it('migrate every schema', () => {
    const containers = tasks.get('migrate')?.containerDefinitions ?? []
    expect(containers.map(({ name }) => name)).toEqual(services.filter(({ schema }) => schema).map(({ name }) => name))
    // The end of an essential container ends the others: only the last is, and each waits for the one before.
    expect(containers.map(({ essential }) => essential)).toEqual(
      containers.map((_, index) => index === containers.length - 1),
    )
    expect(containers.slice(1).map(({ dependsOn }) => dependsOn?.[0]?.containerName)).toEqual(
      containers.slice(0, -1).map(({ name }) => name),
    )
  })
})

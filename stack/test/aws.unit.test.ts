import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { envName } from '@clientele/platform/runtime/config'
import { z } from 'zod'
import { projectRoot } from '../src/processes/folders.ts'
import { services } from '../src/profile/services.ts'

const folder = join(projectRoot, 'deploy', 'aws', 'task-definitions')
const text = z.string().min(1)
const secret = /^arn:aws:ssm:\$\{AWS_REGION\}:\$\{AWS_ACCOUNT_ID\}:parameter\/clientele\/[a-z-]+$/

/** The fields of an ECS task definition that ours use. */
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
  dockerSecurityOptions: z.array(text),
  linuxParameters: z.strictObject({
    capabilities: z.strictObject({ drop: z.array(text), add: z.array(text).optional() }),
    initProcessEnabled: z.boolean().optional(),
    tmpfs: z.array(z.strictObject({ containerPath: text, size: z.int() })).optional(),
  }),
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

describe('ECS task definitions', () => {
  it('there is a task definition for every service, Keycloak, the migrations and the proxy', () => {
    const expected = [...services.map(({ name }) => name), 'keycloak', 'migrate', 'proxy']
    expect([...tasks.keys()].sort()).toEqual(expected.sort())
    for (const [name, task] of tasks) expect(task.family).toBe(`clientele-${name}`)
  })

  it('every container has no capabilities and no new privileges, and every task a role of its own that starts it', () => {
    for (const [name, task] of tasks) {
      expect(task.executionRoleArn).toMatch(new RegExp(`:role/clienteleExecution-${name}$`))
      for (const container of task.containerDefinitions) {
        expect(container.dockerSecurityOptions).toEqual(['no-new-privileges'])
        expect(container.linuxParameters.capabilities.drop).toEqual(['ALL'])
        // Caddy listens on the ports 80 and 443.
        const added = name === 'proxy' ? ['NET_BIND_SERVICE'] : undefined
        expect(container.linuxParameters.capabilities.add).toEqual(added)
      }
    }
  })

  it.each(Object.entries(shapes))(
    'the task definition of %s sets only variables that it reads, and all that it requires',
    (name, shape) => {
      const values = valuesOf(name)
      // NODE_EXTRA_CA_CERTS is a variable of Node: the certificate authority of RDS.
      const known = [...Object.keys(shape).map(envName), 'NODE_EXTRA_CA_CERTS']
      expect([...values.keys()].filter((key) => !known.includes(key))).toEqual([])
      const required = Object.entries(shape).filter(([, field]) => !z.safeParse(field as z.ZodType, undefined).success)
      expect(required.map(([key]) => envName(key)).filter((key) => !values.has(key))).toEqual([])
    },
  )

  it('every service has its own ports, and its URLs in other task definitions use them', () => {
    const ports = Object.keys(shapes).flatMap((name) => [
      valuesOf(name).get('PORT'),
      valuesOf(name).get('INTERNAL_PORT'),
    ])
    expect(new Set(ports).size).toBe(ports.length)
    for (const name of Object.keys(shapes))
      for (const [key, value] of valuesOf(name)) {
        const [, service = '', internal] = /^(\w+_SERVICE)(_INTERNAL)?_URL$/.exec(key) ?? []
        if (service === '') continue
        const target = valuesOf(service.toLowerCase().replace('_', '-'))
        expect([key, value]).toEqual([key, `http://127.0.0.1:${target.get(internal ? 'INTERNAL_PORT' : 'PORT')}`])
      }
  })

  it('Keycloak gets every value of the realm file that has no default', () => {
    const realm = readFileSync(join(projectRoot, 'deploy', 'keycloak', 'realm.json'), 'utf8')
    const required = [...realm.matchAll(/\$\{(CLIENTELE_[A-Z_]+)\}/g)].map(([, name]) => name)
    for (const name of required) expect(valuesOf('keycloak').has(String(name))).toBe(true)
  })

  it('only the migrations get the URL of the owner of the schemas, and no other secret', () => {
    const ownerUrl = expect.stringMatching(/\/owner-database-url$/)
    for (const [name, { containerDefinitions }] of tasks)
      for (const { secrets } of containerDefinitions)
        if (name === 'migrate') expect(secrets).toEqual([{ name: 'DATABASE_URL', valueFrom: ownerUrl }])
        else expect(secrets.map(({ valueFrom }) => valueFrom)).not.toContainEqual(ownerUrl)
  })

  it('the migrations run for every schema, one after the other', () => {
    const containers = tasks.get('migrate')?.containerDefinitions ?? []
    expect(containers.map(({ name }) => name)).toEqual(services.filter(({ schema }) => schema).map(({ name }) => name))
    // If an essential container ends, ECS stops the others: only the last one is essential, and each waits for the one before.
    expect(containers.map(({ essential }) => essential)).toEqual(
      containers.map((_, index) => index === containers.length - 1),
    )
    expect(containers.slice(1).map(({ dependsOn }) => dependsOn?.[0]?.containerName)).toEqual(
      containers.slice(0, -1).map(({ name }) => name),
    )
  })
})

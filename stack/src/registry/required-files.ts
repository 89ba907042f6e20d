import { envPrefix, internalPort, type Registry, type Service } from '@clientele/contracts/services'

/** A text that a file must contain, or a pattern with its description. */
export type RequiredText = string | { pattern: RegExp; description: string }

/** A file that is written by hand and mentions every service, with the texts that it must contain for one of them. */
export type RequiredFile = { file: string; texts: RequiredText[] }

/** A line that begins with `begin` and lists services by name. */
const inList = (begin: string, name: string): RequiredText => ({
  pattern: new RegExp(`${begin}.*[\\s,{']${name}[\\s,}'\\];]`),
  description: `${name} in the line "${begin.replaceAll('\\', '')}…"`,
})

/** A line, as a pattern, in the block of a service in docker-compose.yml. */
const inComposeService = (service: string, line: string): RequiredText => ({
  pattern: new RegExp(`^ {2}${service}:\\n(?: {4}.*\\n)* +${line}`, 'm'),
  // The pattern as the line is written in the file.
  description: `"${line.replaceAll('\\', '').replaceAll(': . ', ': { ').replaceAll('.*', '… ').trim()}" under ${service}`,
})

/** A text in the container of a service in migrate.json. */
const inMigration = (service: string, text: string): RequiredText => ({
  pattern: new RegExp(`"name": "${service}",\\n(?: {6}.*\\n)* {6}.*${text}`),
  description: `${text.replaceAll('"', '')} in the container ${service}`,
})

const deployFiles = ({ name, port, schema, extensions, calls, reads }: Service): RequiredFile[] => {
  const [prefix, upper] = [envPrefix(name), schema.toUpperCase()]
  const [role, secret] = [`clientele_${schema}`, `clientele-database-${schema}`]
  const task = `deploy/aws/task-definitions/${name}.json`
  const readsRevocations = name !== 'user-service'
  return [
    {
      file: 'docker-compose.yml',
      texts: [
        inComposeService(name, `build: .*SERVICE: ${name} `),
        inComposeService(name, `DATABASE_URL: \\*${schema}-url`),
        inComposeService(name, `migrate-${schema}: `),
        ...calls.map((called) => inComposeService(name, `${envPrefix(called)}_URL: http://${called}:8000`)),
        ...(readsRevocations ? [inComposeService(name, 'USER_SERVICE_INTERNAL_URL: http://user-service:8100')] : []),
        ...reads.map((read) => inComposeService(name, `${envPrefix(read)}_INTERNAL_URL: http://${read}:8100`)),
        inComposeService(`migrate-${schema}`, 'environment: . DATABASE_URL: \\*owner-url'),
        `&${schema}-url postgres://${role}:\${${upper}_DATABASE_PASSWORD:-`,
        inComposeService('provision', `${upper}_DATABASE_URL: \\*${schema}-url`),
        inComposeService('tools', `${upper}_DATABASE_URL: \\*${schema}-url`),
        `&${name}-broker amqp://clientele-${name}:\${${prefix}_RABBITMQ_PASSWORD:-`,
        inComposeService(name, `RABBITMQ_URL: \\*${name}-broker`),
        inComposeService('provision', `${prefix}_RABBITMQ_URL: \\*${name}-broker`),
        inComposeService('tools', `${prefix}_RABBITMQ_URL: \\*${name}-broker`),
        inComposeService('gateway', `${prefix}_URL: http://${name}:8000`),
        inComposeService('gateway', `${prefix}_INTERNAL_URL: http://${name}:8100`),
        inComposeService('gateway', `${name}: . condition: service_healthy`),
      ],
    },
    {
      file: 'deploy/prometheus/prometheus.yml',
      texts: [`{ targets: ['${name}:8100'], labels: { job: ${name} } }`],
    },
    {
      file: task,
      texts: [
        `"family": "clientele-${name}"`,
        `"value": "${port}"`,
        `"value": "${internalPort(port)}"`,
        `parameter/clientele/${schema}-database-url"`,
        `parameter/clientele/${name}-rabbitmq-url"`,
        ...calls.map((called) => `"${envPrefix(called)}_URL"`),
        ...(readsRevocations ? ['"USER_SERVICE_INTERNAL_URL"'] : []),
        ...reads.map((read) => `"${envPrefix(read)}_INTERNAL_URL"`),
      ],
    },
    {
      file: 'deploy/aws/task-definitions/gateway.json',
      texts: [`"value": "http://127.0.0.1:${port}"`, `"value": "http://127.0.0.1:${internalPort(port)}"`],
    },
    {
      file: 'deploy/aws/task-definitions/migrate.json',
      texts: [inMigration(name, 'parameter/clientele/owner-database-url"')],
    },
    {
      file: 'k8s/base/provision.sql',
      texts: [
        inList('foreach service in array', schema),
        ...extensions.map((extension) => `create extension if not exists ${extension} `),
      ],
    },
    { file: 'k8s/make-secrets', texts: [inList('for schema in', schema), inList('for process in', name)] },
    { file: 'k8s/overlays/local/20-passwords.sh', texts: [inList('for schema in', schema)] },
    {
      file: 'k8s/overlays/local/rabbitmq.yaml',
      texts: [`secret: { name: clientele-rabbitmq-${name}, items: [{ key: password, path: ${name} }] }`],
    },
    {
      file: 'k8s/overlays/local/postgres.yaml',
      texts: [`secret: { name: ${secret}, items: [{ key: password, path: ${schema} }] }`],
    },
    {
      file: 'k8s/overlays/production/postgres.yaml',
      texts: [`{ name: ${role}, login: true, passwordSecret: { name: ${secret} }, connectionLimit: `],
    },
  ]
}

const sourceFiles = ({ name, port, schema }: Service): RequiredFile[] => {
  const [prefix, upper] = [envPrefix(name), schema.toUpperCase()]
  return [
    { file: `${name}/package.json`, texts: [`"name": "@clientele/${name}"`] },
    { file: `contracts/generated/${name}.openapi.json`, texts: ['"openapi"'] },
    {
      file: '.env.sample',
      texts: [
        `#${prefix}_URL=\n`,
        `#${prefix}_INTERNAL_URL=\n`,
        `#${prefix}_PORT=${port}\n`,
        `#${prefix}_INTERNAL_PORT=${internalPort(port)}\n`,
        `#${upper}_DATABASE_PASSWORD=\n`,
        `#${upper}_DATABASE_URL=\n`,
        `#${prefix}_RABBITMQ_PASSWORD=\n`,
        `#${prefix}_RABBITMQ_URL=\n`,
      ],
    },
    { file: 'README.md', texts: [`| [${name}](${name}) |`, `schema "${schema}"`] },
    {
      file: 'docs/operate.md',
      texts: [`\n| ${name} |`, ` ${upper}_DATABASE_PASSWORD `, ` ${prefix}_RABBITMQ_PASSWORD `],
    },
    {
      file: 'docs/deploy/aws-ecs.md',
      texts: [
        `-e ${upper}_DATABASE_URL="$(value ${schema}-database-url)"`,
        inList('for name in', name),
        inList('for role in', schema),
      ],
    },
    // Tests that need a route of each service.
    { file: 'e2e/faults/faults.ts', texts: [`'${name}': /`] },
    { file: 'e2e/hostile/tokens.test.ts', texts: [`'${name}': '/v1/`] },
    { file: 'e2e/monitoring/monitoring.test.ts', texts: [`'${name}': ['`] },
  ]
}

/** The chart reads the registry, but its tests count the manifests. */
const chartFiles = ({ services }: Registry): RequiredFile[] => {
  // The services, the gateway and the decoder of images.
  const deployments = services.length + 2
  const count = (number: number): string => `hasDocuments: { count: ${number} }`
  return [
    { file: 'deploy/helm/clientele/tests/deployment_test.yaml', texts: [count(deployments)] },
    {
      file: 'deploy/helm/clientele/tests/branches_test.yaml',
      texts: [count(deployments), count(2 * deployments), `containers, count: ${services.length} }`],
    },
  ]
}

/** All files that must name the services of a registry. Code is not among them, because it reads the registry. */
export const requiredFiles = (registry: Registry): RequiredFile[] => [
  ...registry.services.flatMap((service) => [...deployFiles(service), ...sourceFiles(service)]),
  ...chartFiles(registry),
]

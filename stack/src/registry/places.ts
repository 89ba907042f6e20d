import { internalPort, type Registry, type Service, variablePrefix } from '@clientele/contracts/services'

/** A text that a file must hold, or a pattern for one, with the words that describe it. */
export type Needed = string | { pattern: RegExp; what: string }

/** A file written by hand that says something about every service, and what it must hold for one of them. */
export type Place = { file: string; needs: Needed[] }

/** A line that lists services by name. */
const listed = (begin: string, name: string): Needed => ({
  pattern: new RegExp(`${begin}.*[\\s,{']${name}[\\s,}'\\];]`),
  what: `${name} in the line "${begin.replaceAll('\\', '')}…"`,
})

/** A key of a service's own block in docker-compose.yml. */
const inBlock = (service: string, line: string): Needed => ({
  pattern: new RegExp(`^ {2}${service}:\\n(?: {4}.*\\n)* +${line}`, 'm'),
  what: `"${line}" under ${service}`,
})

const deployPlaces = ({ name, port, schema, extensions, calls }: Service): Place[] => {
  const [prefix, upper] = [variablePrefix(name), schema.toUpperCase()]
  const [role, secret] = [`clientele_${schema}`, `clientele-database-${schema}`]
  const task = `deploy/aws/task-definitions/${name}.json`
  return [
    {
      file: 'docker-compose.yml',
      needs: [
        inBlock(name, `build: .*SERVICE: ${name} `),
        inBlock(name, `DATABASE_URL: \\*${schema}-url`),
        inBlock(name, `migrate-${schema}: `),
        ...calls.map((called) => inBlock(name, `${variablePrefix(called)}_URL: http://${called}:8000`)),
        inBlock(`migrate-${schema}`, `environment: . DATABASE_URL: \\*${schema}-url`),
        `&${schema}-url postgres://${role}:\${${upper}_DATABASE_PASSWORD:-`,
        inBlock('provision', `${upper}_DATABASE_URL: \\*${schema}-url`),
        inBlock('tools', `${upper}_DATABASE_URL: \\*${schema}-url`),
        inBlock('gateway', `${prefix}_URL: http://${name}:8000`),
        inBlock('gateway', `${prefix}_INTERNAL_URL: http://${name}:8100`),
        inBlock('gateway', `${name}: . condition: service_healthy`),
      ],
    },
    {
      file: 'deploy/prometheus/prometheus.yml',
      needs: [`{ targets: ['${name}:8100'], labels: { job: ${name} } }`],
    },
    {
      file: task,
      needs: [
        `"family": "clientele-${name}"`,
        `"value": "${port}"`,
        `"value": "${internalPort(port)}"`,
        `parameter/clientele/${schema}-database-url"`,
        ...calls.map((called) => `"${variablePrefix(called)}_URL"`),
      ],
    },
    {
      file: 'deploy/aws/task-definitions/gateway.json',
      needs: [`"value": "http://127.0.0.1:${port}"`, `"value": "http://127.0.0.1:${internalPort(port)}"`],
    },
    {
      file: 'deploy/aws/task-definitions/migrate.json',
      needs: [`"name": "${name}"`, `parameter/clientele/${schema}-database-url"`],
    },
    {
      file: 'k8s/base/provision.sql',
      needs: [
        listed('foreach service in array', schema),
        ...extensions.map((extension) => `create extension if not exists ${extension} `),
      ],
    },
    { file: 'k8s/make-secrets', needs: [listed('for schema in', schema)] },
    { file: 'k8s/overlays/local/20-passwords.sh', needs: [listed('for schema in', schema)] },
    {
      file: 'k8s/overlays/local/postgres.yaml',
      needs: [`secret: { name: ${secret}, items: [{ key: password, path: ${schema} }] }`],
    },
    {
      file: 'k8s/overlays/production/postgres.yaml',
      needs: [`{ name: ${role}, login: true, passwordSecret: { name: ${secret} } }`],
    },
  ]
}

const textPlaces = ({ name, port, schema }: Service): Place[] => {
  const [prefix, upper] = [variablePrefix(name), schema.toUpperCase()]
  return [
    { file: `${name}/package.json`, needs: [`"name": "@clientele/${name}"`] },
    { file: `contracts/generated/${name}.openapi.json`, needs: ['"openapi"'] },
    {
      file: '.env.sample',
      needs: [
        `#${prefix}_URL=\n`,
        `#${prefix}_INTERNAL_URL=\n`,
        `#${prefix}_PORT=${port}\n`,
        `#${prefix}_INTERNAL_PORT=${internalPort(port)}\n`,
        `#${upper}_DATABASE_PASSWORD=\n`,
        `#${upper}_DATABASE_URL=\n`,
      ],
    },
    { file: 'README.md', needs: [`| [${name}](${name}) |`, `schema "${schema}"`] },
    { file: 'docs/operate.md', needs: [`\n| ${name} |`] },
    {
      file: 'docs/deploy/aws-ecs.md',
      needs: [`-e ${upper}_DATABASE_URL="$(value ${schema}-database-url)"`],
    },
    // What tests of the whole must know of each service: a route that reads, or the routes that fail with it.
    { file: 'e2e/faults/faults.ts', needs: [`'${name}': /`] },
    { file: 'e2e/hostile/tokens.test.ts', needs: [`'${name}': '/v1/`] },
    { file: 'e2e/test/monitoring.test.ts', needs: [`'${name}': ['`] },
  ]
}

/** The chart reads the registry itself; its tests count what comes of it. */
const chartPlaces = ({ services }: Registry): Place[] => {
  const processes = services.length + 1
  const count = (number: number): string => `hasDocuments: { count: ${number} }`
  return [
    { file: 'deploy/helm/clientele/tests/deployment_test.yaml', needs: [count(processes)] },
    {
      file: 'deploy/helm/clientele/tests/branches_test.yaml',
      needs: [count(processes), count(2 * processes), `containers, count: ${services.length} }`],
    },
  ]
}

/** Every place that has to name the services of a registry, apart from the code, which reads it. */
export const placesOf = (registry: Registry): Place[] => [
  ...registry.services.flatMap((service) => [...deployPlaces(service), ...textPlaces(service)]),
  ...chartPlaces(registry),
]

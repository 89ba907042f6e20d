import { readFile } from 'node:fs/promises'
import { isErrorResult, merge, type OpenApiDocument } from 'openapi-merge'
import type { GatewayConfig } from '../config.ts'
import type { PathsDocument } from '../proxy/route-index.ts'

type Json = Record<string, unknown>
/** The generated documents of a service. */
export type ServiceContract = { service: string; openapi: PathsDocument & Json; asyncapi: Json }

type Documented = Pick<ServiceContract, 'service' | 'openapi'>

const generated = new URL('../../../contracts/generated/', import.meta.url)

const readJson = async (file: string, folder: URL): Promise<Json> => {
  try {
    return JSON.parse(await readFile(new URL(file, folder), 'utf8')) as Json
  } catch (error) {
    throw new Error(`contracts/generated/${file} cannot be read; run \`npm run generate\``, { cause: error })
  }
}

/** Reads the generated document of the gateway's own operations. @throws Error if it is missing or invalid */
export const readOwnDocument = async (folder: URL = generated): Promise<PathsDocument & Json> =>
  readJson('gateway.openapi.json', folder)

/** Reads the generated documents of these services. @throws Error naming a file that is missing or invalid */
export const readContracts = (names: string[], folder: URL = generated): Promise<ServiceContract[]> =>
  Promise.all(
    names.map(async (service) => ({
      service,
      openapi: await readJson(`${service}.openapi.json`, folder),
      asyncapi: await readJson(`${service}.asyncapi.json`, folder),
    })),
  )

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const pascalCase = (service: string): string =>
  service.replace(/(?:^|-)(\w)/g, (_match, letter: string) => letter.toUpperCase())

/**
 * Merges the paths and components of all documents. If two services define a component differently, the second one gets a
 * prefix.
 */
const mergeDocuments = (contracts: Documented[], info: OpenApiDocument['info']): OpenApiDocument => {
  const merged = merge(
    contracts.map(({ service, openapi }) => {
      const { headers: _headers, responses: _responses, ...components } = object(openapi['components'])
      return {
        oas: { ...openapi, openapi: '3.1.0', info, components } as OpenApiDocument,
        dispute: { prefix: pascalCase(service) },
        duplicatePathHandling: 'merge-operations',
      }
    }),
  )
  if (isErrorResult(merged)) throw new Error(`the services' OpenAPI documents cannot be merged: ${merged.message}`)
  return merged.output
}

/** Merges the headers and problems of all documents, which are the same. The merge of schemas cannot compare their references. */
const mergeShared = (contracts: Documented[], kind: 'headers' | 'responses'): Json => {
  const shared: Json = {}
  for (const { service, openapi } of contracts)
    for (const [name, each] of Object.entries(object(object(openapi['components'])[kind]))) {
      if (JSON.stringify(shared[name] ?? each) !== JSON.stringify(each))
        throw new Error(`the ${kind} ${name} of ${service} differ from those of another service`)
      shared[name] = each
    }
  return shared
}

const tagDescriptions: Record<string, string> = {
  Installation: 'What a front end needs before anybody signs in.',
  'Sign-in': 'Sign up, sign in, refresh tokens and sign out.',
  'Own profile': 'The signed-in user: profile and sessions.',
  Users: 'Users, for admins.',
  Customers: 'Customers with photos, tags, metadata, trash and batches.',
  Imports: 'Imports of customers and products, with dry run, commit and undo.',
  Exports: 'Exports of customers, products and orders.',
  Jobs: 'The progress and the files of imports and exports.',
  Media: 'Images, which customers and products show as photos.',
  Products: 'Products with prices, stock and photos.',
  Orders: 'Orders of customers, and their sums.',
  Notifications: 'Text messages and e-mails to customers about their orders.',
  Activity: 'Recorded events: timelines of customers, the audit trail, the feed and the live stream.',
  Webhooks: 'Events that are sent to other systems.',
}

const descriptionFor = (publicUrl: string): string =>
  `A self-hosted CRM back end: users, customers, products, orders, notifications, images, imports and recorded events.

The [API guide](${publicUrl}/guides/api) says what all operations have in common: filters, pages, versions, retries, errors and limits. [Error codes](${publicUrl}/problems) says what to do about each error.`

/** The OpenAPI document of the whole API, with the URL and sign-in of this installation. */
export const mergeOpenApi = (
  contracts: Documented[],
  { publicUrl, keycloakIssuer }: Pick<GatewayConfig, 'publicUrl' | 'keycloakIssuer'>,
): Json => {
  const info = {
    title: 'Clientele',
    version: '1',
    description: descriptionFor(publicUrl),
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  }
  const { paths, components } = mergeDocuments(contracts, info)
  const operations = Object.values(object(paths)).flatMap((item) => Object.values(object(item)))
  const tags = new Set(operations.flatMap((operation) => (object(operation)['tags'] as string[]) ?? []))
  const endpoint = `${keycloakIssuer}/protocol/openid-connect`
  return {
    openapi: '3.1.0',
    info,
    servers: [{ url: publicUrl }],
    tags: [...tags].map((name) => ({ name, description: tagDescriptions[name] ?? name })),
    security: [{ keycloak: [] }, { bearer: [] }],
    paths,
    components: {
      ...components,
      headers: mergeShared(contracts, 'headers'),
      responses: mergeShared(contracts, 'responses'),
      securitySchemes: {
        keycloak: {
          type: 'oauth2',
          description: 'Sign in with Keycloak (authorization code with PKCE)',
          flows: {
            authorizationCode: {
              authorizationUrl: `${endpoint}/auth`,
              tokenUrl: `${endpoint}/token`,
              refreshUrl: `${endpoint}/token`,
              scopes: { openid: 'Who you are' },
            },
          },
        },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token that you already have',
        },
      },
    },
  }
}

const rabbitmq = {
  host: '{host}:{port}',
  pathname: '/',
  protocol: 'amqp',
  protocolVersion: '0-9-1',
  description:
    'The RabbitMQ of this installation. `npm run broker-account -- --name erp` creates an account that may read events and create queues whose names begin with `erp.`; docs/events.md has an example.',
  variables: {
    host: { default: 'localhost' },
    port: {
      default: '5674',
      description: '5674 with `npm start` and Compose, otherwise usually 5672, or 5671 with TLS (`amqps`)',
    },
  },
  security: [{ $ref: '#/components/securitySchemes/account' }],
}
const account = { type: 'userPassword', description: 'The name and the password of the account at the broker' }

/** The kind of record that a channel is about: `customerCreatedV1` → `customer` */
const aggregateOf = (channel: string): string => channel.replace(/[A-Z].*/, '')

/** The AsyncAPI document of all events. Channels of the same name are one channel. */
export const mergeAsyncApi = (contracts: ServiceContract[]): Json => {
  const channels: Json = {}
  const operations: Json = {}
  const components: Json = { securitySchemes: { account } }
  for (const { service, asyncapi } of contracts) {
    Object.assign(channels, object(asyncapi['channels']))
    for (const [name, operation] of Object.entries(object(asyncapi['operations'])))
      operations[`${service}.${name}`] = operation
    for (const [kind, entries] of Object.entries(object(asyncapi['components'])))
      components[kind] = { ...object(components[kind]), ...object(entries) }
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Clientele: events',
      version: '1',
      description: 'CloudEvents 1.0 on one RabbitMQ topic exchange; the type is the routing key.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      tags: [...new Set(Object.keys(channels).map(aggregateOf))].sort().map((name) => ({ name })),
    },
    servers: { rabbitmq },
    defaultContentType: 'application/cloudevents+json',
    channels,
    operations,
    components,
  }
}

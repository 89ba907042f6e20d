import { readFile } from 'node:fs/promises'
import { isErrorResult, merge, type OpenApiDocument } from 'openapi-merge'
import type { GatewayConfig } from '../config.ts'
import type { PathsDocument } from '../proxy/route-index.ts'

type Json = Record<string, unknown>
/** What a service promises, as generated from its routes and events. */
export type ServiceContract = { service: string; openapi: PathsDocument & Json; asyncapi: Json }

const generated = new URL('../../../contracts/generated/', import.meta.url)

/** Reads the generated documents of `names`. @throws Error naming the file that is missing or broken */
export const readContracts = (names: string[], folder: URL = generated): Promise<ServiceContract[]> => {
  const read = async (file: string): Promise<Json> => {
    try {
      return JSON.parse(await readFile(new URL(file, folder), 'utf8')) as Json
    } catch (error) {
      throw new Error(`contracts/generated/${file} cannot be read; run \`npm run generate\``, { cause: error })
    }
  }
  return Promise.all(
    names.map(async (service) => ({
      service,
      openapi: await read(`${service}.openapi.json`),
      asyncapi: await read(`${service}.asyncapi.json`),
    })),
  )
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const pascalCase = (service: string): string =>
  service.replace(/(?:^|-)(\w)/g, (_match, letter: string) => letter.toUpperCase())

/** Paths and components of all documents; a component that two services shape differently gets the second one's name in front. */
const mergeDocuments = (contracts: ServiceContract[], info: OpenApiDocument['info']): OpenApiDocument => {
  const merged = merge(
    contracts.map(({ service, openapi }) => ({
      oas: { ...openapi, openapi: '3.1.0', info } as OpenApiDocument,
      dispute: { prefix: pascalCase(service) },
      duplicatePathHandling: 'merge-operations',
    })),
  )
  if (isErrorResult(merged)) throw new Error(`the services' OpenAPI documents cannot be merged: ${merged.message}`)
  return merged.output
}

const about =
  'A self-hosted CRM back end: customers, products, orders, messages, photos, people and events. All services in one document.'

/** The OpenAPI document of the whole API: addresses and sign-in of this installation. */
export const mergeOpenApi = (
  contracts: ServiceContract[],
  { publicUrl, keycloakIssuer }: Pick<GatewayConfig, 'publicUrl' | 'keycloakIssuer'>,
): Json => {
  const info = {
    title: 'Clientele',
    version: '1',
    description: about,
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
    tags: [...tags].map((name) => ({ name })),
    security: [{ keycloak: [] }, { bearer: [] }],
    paths,
    components: {
      ...components,
      securitySchemes: {
        keycloak: {
          type: 'oauth2',
          description: 'Sign in at Keycloak (authorization code with PKCE)',
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
          description: 'An access token that you have already',
        },
      },
    },
  }
}

/** The AsyncAPI document of all events; a channel or message that several services name is the same one. */
export const mergeAsyncApi = (contracts: ServiceContract[]): Json => {
  const channels: Json = {}
  const operations: Json = {}
  const components: Json = {}
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
    },
    defaultContentType: 'application/cloudevents+json',
    channels,
    operations,
    ...(Object.keys(components).length > 0 && { components }),
  }
}

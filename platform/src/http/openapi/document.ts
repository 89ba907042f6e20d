import { PreconditionFailedBody } from '@clientele/contracts/problem'
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi'
import { eventStreamType } from '../event-stream.ts'
import { recentSignInText } from '../recent-sign-in.ts'
import { defaultMaxBodyBytes, type RouteDefinition, takesIdempotencyKey } from '../route-definition.ts'
import { problemResponse, reauthenticationResponse } from './problems.ts'
import { headerReferences, responseHeaders } from './response-headers.ts'
import { hasEtag, successHeaders } from './success-headers.ts'
import { tidyDocument, withoutPatterns } from './tidy.ts'

/** The content of `contracts/generated/<service>.openapi.json`. */
export type OpenApiDocument = ReturnType<typeof createDocument>

/** An example of each named schema, by its name. */
export type Examples = Record<string, unknown>

/** Whether an address may become too long (431): by many filters, or by a mapping of a file's columns. */
const hasLongAddress = ({ method, query, uploads = {} }: RouteDefinition): boolean =>
  (method === 'get' && query !== undefined) || Object.values(uploads).some(({ file }) => file)

const commonProblems = (route: RouteDefinition): number[] => [
  400,
  ...(route.stream ? [406] : []),
  ...(route.roles === 'public' ? [] : [401, 403]),
  ...(route.params === undefined ? [] : [404]),
  ...(route.body === undefined && route.uploads === undefined ? [] : [408, 409, 413, 415, 422]),
  ...(['patch', 'put', 'delete'].includes(route.method) ? [409, 412] : []),
  ...(takesIdempotencyKey(route) ? [409, 422] : []),
  ...(hasLongAddress(route) ? [431] : []),
  429,
  500,
  502,
  503,
  504,
]

/** Returns links from a created resource to every operation on it, with the resource's id as path parameter. */
const linksOf = ({ path }: RouteDefinition, all: RouteDefinition[]) => {
  const links = all.flatMap((other): [string, object][] => {
    const [, name] = other.path.startsWith(`${path}/`)
      ? (/^\/\{(\w+)\}(?:\/[^{}]*)?$/.exec(other.path.slice(path.length)) ?? [])
      : []
    return name === undefined
      ? []
      : [[other.operationId, { operationId: other.operationId, parameters: { [name]: '$response.body#/id' } }]]
  })
  return links.length === 0 ? {} : { links: Object.fromEntries(links) }
}

const pageExample = { limit: 50, nextCursor: null, prevCursor: null, total: 1, totalRelation: 'eq' }

const exampleOf = (schema: z.ZodType, examples: Examples): { example?: unknown } => {
  const { id } = (schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema).meta() ?? {}
  if (id === undefined) return {}
  if (Object.hasOwn(examples, id)) return { example: examples[id] }
  const item = id.replace(/Page$/, '')
  return Object.hasOwn(examples, item) ? { example: { data: [examples[item]], page: pageExample } } : {}
}

const binary = { schema: { type: 'string' as const, format: 'binary' } }

/** The content of a successful response: JSON, server-sent events, or the types of a file. */
const successContent = ({ file, stream }: RouteDefinition, schema: z.ZodType | null, examples: Examples) => {
  if (schema) return { content: { 'application/json': { schema, ...exampleOf(schema, examples) } } }
  if (stream) return { content: { [eventStreamType]: { schema: { type: 'string' }, example: stream.example } } }
  return file ? { content: Object.fromEntries(file.types.map((type) => [type, binary])) } : {}
}

const readsVersion = ({ method, responses }: RouteDefinition): boolean => method === 'get' && hasEtag(responses[200])

const responsesOf = (
  route: RouteDefinition,
  all: RouteDefinition[],
  examples: Examples,
): ZodOpenApiOperationObject['responses'] => {
  const responses: Record<string, object> = {}
  for (const status of commonProblems(route))
    responses[status] = problemResponse(status, status === 412 ? PreconditionFailedBody : undefined)
  for (const [key, schema] of Object.entries(route.responses)) {
    const status = Number(key)
    if (status >= 400) responses[status] = problemResponse(status, schema)
    else
      responses[status] = {
        description: route.stream?.description ?? route.summary,
        headers: successHeaders(route, status, schema),
        ...([200, 201, 202, 206, 207].includes(status) && successContent(route, schema, examples)),
        ...(route.method === 'post' && status === 201 && linksOf(route, all)),
      }
  }
  if (readsVersion(route))
    responses[304] = {
      description: 'Not changed since the version that `If-None-Match` names',
      headers: headerReferences(['ETag']),
    }
  if (route.recentSignIn) responses[401] = reauthenticationResponse
  return responses as ZodOpenApiOperationObject['responses']
}

const contentOf = ({ method, body, uploads = {} }: RouteDefinition, examples: Examples) => ({
  ...(body && { 'application/json': { schema: body, ...exampleOf(body, examples) } }),
  ...(body && method === 'patch' && { 'application/merge-patch+json': { schema: body, ...exampleOf(body, examples) } }),
  ...Object.fromEntries(
    Object.entries(uploads).flatMap(([type, { schema, unlisted }]) =>
      unlisted ? [] : [[type, { schema, ...exampleOf(schema, examples) }]],
    ),
  ),
})

// Tells the gateway which bodies may be as large as a file.
const filesOf = ({ uploads = {} }: RouteDefinition) => {
  const types = Object.keys(uploads).filter((type) => uploads[type]?.file)
  return types.length === 0 ? {} : { 'x-file-bodies': types }
}

// Tells clients and the gateway how large a JSON body may be.
const bodyLimitOf = ({ body, maxBodyBytes = defaultMaxBodyBytes }: RouteDefinition) =>
  body === undefined || maxBodyBytes === Number.POSITIVE_INFINITY ? {} : { 'x-max-body-bytes': maxBodyBytes }

/** A request header. Without a pattern any value is valid; the API ignores one that it cannot use. */
const header = (name: string, description: string, pattern?: string) => ({
  name,
  in: 'header' as const,
  required: false,
  description,
  schema: { type: 'string' as const, ...(pattern !== undefined && { pattern }) },
})

const headersOf = (route: RouteDefinition) => [
  ...(takesIdempotencyKey(route)
    ? [
        header(
          'Idempotency-Key',
          'Makes a retry safe: for 24 h, a request with the same key returns the first response and changes nothing.',
          '^[\\x21-\\x7e]{1,255}$',
        ),
      ]
    : []),
  ...(['patch', 'put', 'delete'].includes(route.method)
    ? [
        header(
          'If-Match',
          'The ETag of the version to change, or several separated by commas. If the resource has none of them, the response is 412.',
          // The gateway adds the coding of a compressed response.
          '^(\\*|"\\d{1,9}(\\.[\\w-]*){0,2}"(, *"\\d{1,9}(\\.[\\w-]*){0,2}")*)$',
        ),
      ]
    : []),
  ...(route.method === 'put' && (route.body ?? route.uploads)
    ? [header('If-None-Match', '`*`: if the resource exists, the response is 412.')]
    : []),
  ...(route.stream
    ? [header('Last-Event-ID', 'The `id` that was received last. The stream continues with what came after it.')]
    : []),
  ...(readsVersion(route)
    ? [
        header(
          'If-None-Match',
          'The ETag of the version that the client has. If the resource has not changed since, the response is 304.',
        ),
      ]
    : []),
]

const operationObject = (
  route: RouteDefinition,
  all: RouteDefinition[],
  examples: Examples,
): ZodOpenApiOperationObject => {
  const { operationId, summary, tag, roles, params, query } = route
  const role = roles[0] === 'admin' ? 'Requires the role `admin`.' : undefined
  const description = [route.description, recentSignInText(route), role].filter((text) => text !== undefined).join(' ')
  const content = contentOf(route, examples)
  return {
    operationId,
    summary,
    ...(description !== '' && { description }),
    tags: [tag],
    ...filesOf(route),
    ...(route.file && { 'x-file-response': true }),
    ...(route.stream && { 'x-event-stream': true }),
    ...bodyLimitOf(route),
    'x-roles': roles === 'public' || roles === 'optional' ? [] : [...roles],
    security: roles === 'public' ? [] : [...(roles === 'optional' ? [{}] : []), { bearer: [] }, { keycloak: [] }],
    parameters: headersOf(route),
    requestParams: { ...(params && { path: params as z.ZodObject }), ...(query && { query: query as z.ZodObject }) },
    ...(Object.keys(content).length > 0 && {
      requestBody: { required: !(route.body instanceof z.ZodOptional), content },
    }),
    responses: responsesOf(route, all, examples),
  }
}

/** Generates the OpenAPI 3.1 document of declared routes. */
export const openApiDocument = (
  { title, service, version, examples = {} }: { title: string; service: string; version: string; examples?: Examples },
  routes: RouteDefinition[],
): OpenApiDocument => {
  const paths: ZodOpenApiPathsObject = {}
  for (const route of routes)
    paths[route.path] = {
      ...paths[route.path],
      [route.method]: operationObject(route, routes, examples),
    }
  return tidyDocument(
    createDocument(
      {
        openapi: '3.1.0',
        info: { title, version, description: `Generated from the routes of ${service}.` },
        paths,
        components: {
          headers: responseHeaders,
          securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
        },
      },
      { override: withoutPatterns },
    ),
  )
}

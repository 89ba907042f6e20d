import { ProblemBody } from '@clientele/contracts/problem'
import type { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi'
import type { RouteDefinition } from './route-definition.ts'

/** What `contracts/generated/<service>.openapi.json` holds. */
export type OpenApiDocument = ReturnType<typeof createDocument>

const takesIdempotencyKey = ({ method, idempotent }: RouteDefinition): boolean =>
  method === 'post' && idempotent !== false

const commonProblems = (route: RouteDefinition): number[] => [
  400,
  ...(route.roles === 'public' ? [] : [401, 403]),
  ...(route.params === undefined ? [] : [404]),
  ...(route.body === undefined && route.uploads === undefined ? [] : [409, 413, 415, 422]),
  ...(['patch', 'put', 'delete'].includes(route.method) ? [409, 412] : []),
  ...(takesIdempotencyKey(route) ? [409, 422] : []),
  ...(Object.values(route.uploads ?? {}).some(({ file }) => file) ? [431] : []),
  429,
  500,
  503,
]

const problemResponse = (schema: z.ZodType = ProblemBody) => ({
  description: 'A problem (RFC 9457)',
  content: { 'application/problem+json': { schema } },
})

/** From a created resource to every operation on it: its id is their path parameter. */
const linksOf = ({ path }: RouteDefinition, all: RouteDefinition[]) => {
  const steps = all.flatMap((other): [string, object][] => {
    const [, name] = other.path.startsWith(`${path}/`)
      ? (/^\/\{(\w+)\}(?:\/[^{}]*)?$/.exec(other.path.slice(path.length)) ?? [])
      : []
    return name === undefined
      ? []
      : [[other.operationId, { operationId: other.operationId, parameters: { [name]: '$response.body#/id' } }]]
  })
  return steps.length === 0 ? {} : { links: Object.fromEntries(steps) }
}

const responsesOf = (route: RouteDefinition, all: RouteDefinition[]): ZodOpenApiOperationObject['responses'] => {
  const responses: Record<string, object> = {}
  for (const status of commonProblems(route)) responses[status] = problemResponse()
  for (const [status, schema] of Object.entries(route.responses)) {
    if (Number(status) >= 400) responses[status] = problemResponse(schema ?? ProblemBody)
    else if (schema === null) responses[status] = { description: route.summary }
    else
      responses[status] = {
        description: route.summary,
        content: { 'application/json': { schema } },
        ...(route.method === 'post' && status === '201' && linksOf(route, all)),
      }
  }
  return responses as ZodOpenApiOperationObject['responses']
}

const contentOf = ({ method, body, uploads = {} }: RouteDefinition) => ({
  ...(body && { 'application/json': { schema: body } }),
  ...(body && method === 'patch' && { 'application/merge-patch+json': { schema: body } }),
  ...Object.fromEntries(Object.entries(uploads).map(([type, { schema }]) => [type, { schema }])),
})

// For the gateway: bodies that may be as large as a file.
const filesOf = ({ uploads = {} }: RouteDefinition) => {
  const types = Object.keys(uploads).filter((type) => uploads[type]?.file)
  return types.length === 0 ? {} : { 'x-file-bodies': types }
}

const header = (name: string, description: string, pattern: string) => ({
  name,
  in: 'header' as const,
  required: false,
  description,
  schema: { type: 'string' as const, pattern },
})

const headersOf = (route: RouteDefinition) => [
  ...(takesIdempotencyKey(route)
    ? [
        header(
          'Idempotency-Key',
          'the first answer is given again for 24 h; no second change is made',
          '^[\\x21-\\x7e]{1,255}$',
        ),
      ]
    : []),
  ...(['patch', 'put', 'delete'].includes(route.method)
    ? [header('If-Match', 'an ETag; 412 when the resource has changed since', '^(\\*|"\\d{1,9}(\\.[\\w-]*)?")$')]
    : []),
]

const operationObject = (route: RouteDefinition, all: RouteDefinition[]): ZodOpenApiOperationObject => {
  const { operationId, summary, description, tag, roles, params, query } = route
  const content = contentOf(route)
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    ...filesOf(route),
    'x-roles': roles === 'public' || roles === 'optional' ? [] : [...roles],
    security: roles === 'public' ? [] : [...(roles === 'optional' ? [{}] : []), { bearer: [] }, { keycloak: [] }],
    parameters: headersOf(route),
    requestParams: { ...(params && { path: params as z.ZodObject }), ...(query && { query: query as z.ZodObject }) },
    ...(Object.keys(content).length > 0 && { requestBody: { required: true, content } }),
    responses: responsesOf(route, all),
  }
}

/** The OpenAPI 3.1 document of declared operations. */
export const openApiDocument = (
  { title, service, version }: { title: string; service: string; version: string },
  routes: RouteDefinition[],
): OpenApiDocument => {
  const paths: ZodOpenApiPathsObject = {}
  for (const route of routes)
    paths[route.path] = {
      ...paths[route.path],
      [route.method]: operationObject(route, routes),
    }
  return createDocument({
    openapi: '3.1.0',
    info: { title, version, description: `Generated from the routes of ${service}.` },
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  })
}

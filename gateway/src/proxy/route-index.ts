import createRouter from 'find-my-way'

/**
 * Who may call a route: everybody (`public`), everybody, but a token that is sent must be valid (`optional`), or signed-in
 * users.
 */
type Access = 'public' | 'optional' | 'token'

export type Route = {
  service: string
  /** OpenAPI path: `/v1/customers/{key}` */
  template: string
  access: Access
  /** Whether it accepts bodies other than JSON. */
  acceptsUploads: boolean
  /** The maximum size of a JSON body, if the contract has one. */
  maxBodyBytes: number
  /** Whether its response is a file. */
  sendsFile: boolean
  /** Whether its response is a stream of server-sent events. */
  sendsEvents: boolean
  /** Media types of bodies that are files, which may be larger than other bodies. */
  fileTypes: ReadonlySet<string>
}
/** The result of a lookup: a route or, if the path has none for the method, the allowed methods. */
export type RouteMatch = { route: Route } | { allow: string[]; public: boolean }

type Operation = {
  security?: Record<string, string[]>[]
  requestBody?: { content?: Record<string, unknown> }
  'x-file-bodies'?: string[]
  'x-file-response'?: boolean
  'x-event-stream'?: boolean
  'x-max-body-bytes'?: number
}
/** The part of an OpenAPI document that the gateway reads. */
export type PathsDocument = { paths?: Record<string, Record<string, unknown>> }

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const accessOf = ({ security }: Operation): Access => {
  if (!Array.isArray(security)) return 'token'
  if (security.length === 0) return 'public'
  return security.some((requirement) => Object.keys(requirement).length === 0) ? 'optional' : 'token'
}

const routeOf = (service: string, template: string, operation: Operation): Route => ({
  service,
  template,
  access: accessOf(operation),
  acceptsUploads: Object.keys(operation.requestBody?.content ?? {}).some((type) => !type.includes('json')),
  maxBodyBytes: operation['x-max-body-bytes'] ?? Number.POSITIVE_INFINITY,
  sendsFile: operation['x-file-response'] === true,
  sendsEvents: operation['x-event-stream'] === true,
  fileTypes: new Set(operation['x-file-bodies']),
})

const parameter = /\{[^}]*\}/g
/**
 * The find-my-way pattern of a template. Parameters are numbered, since `{id}` and `{key}` match the same paths:
 * `/v1/users/:p1`.
 */
const patternOf = (template: string): string => {
  let count = 0
  return template.replaceAll(':', '::').replace(parameter, () => `:p${++count}`)
}
/** A sort key for templates that match the same path: literal segments sort before parameters. */
const specificity = ({ template }: Route): string => template.replace(parameter, '\uffff')

const ignore = (): void => {}

/**
 * Creates a function that finds the route of a request. The routes come from the services' OpenAPI documents; an operation
 * without `security` needs a token. Literal segments win over parameters.
 * @throws Error if two services declare the same operation
 */
export const createRouteIndex = (documents: { service: string; document: PathsDocument }[]) => {
  // The HTTP parser already limits the length of a path.
  const router = createRouter({ caseSensitive: true, maxParamLength: Number.MAX_SAFE_INTEGER })
  for (const { service, document } of documents) {
    for (const [template, item] of Object.entries(document.paths ?? {})) {
      if (!template.startsWith('/v1/')) throw new Error(`${service} declares ${template}, which is outside of /v1`)
      for (const method of methods) {
        const operation = item[method.toLowerCase()] as Operation | undefined
        if (operation) router.on(method, patternOf(template), ignore, routeOf(service, template, operation))
      }
    }
  }
  const find = (method: string, path: string): Route | undefined => router.find(method as 'GET', path)?.store

  const findAllowed = (path: string): RouteMatch | undefined => {
    const candidates = methods
      .map((method) => ({ method, route: find(method, path) }))
      .filter((each): each is { method: (typeof methods)[number]; route: Route } => each.route !== undefined)
    // Only the most specific template counts: for PUT /v1/users/me, the PUT of /v1/users/{id} would respond with 404.
    const [closest] = candidates.map(({ route }) => specificity(route)).sort()
    if (closest === undefined) return undefined
    const allow: string[] = candidates.filter(({ route }) => specificity(route) === closest).map(({ method }) => method)
    if (allow.includes('GET')) allow.push('HEAD')
    return { allow: allow.sort(), public: candidates.every(({ route }) => route.access === 'public') }
  }

  return (method: string, path: string): RouteMatch | undefined => {
    // find-my-way decodes paths, services do not. Encoding the percent signs makes it compare the raw path.
    const raw = path.includes('%') ? path.replaceAll('%', '%25') : path
    const route = find(method === 'HEAD' ? 'GET' : method, raw)
    return route ? { route } : findAllowed(raw)
  }
}
export type RouteIndex = ReturnType<typeof createRouteIndex>

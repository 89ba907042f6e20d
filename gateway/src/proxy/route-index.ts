import createRouter from 'find-my-way'

/** Who may call: everybody; everybody, but a token that is sent must be right; only holders of a token. */
type Access = 'public' | 'optional' | 'token'

export type Route = {
  service: string
  /** OpenAPI path: `/v1/customers/{key}` */
  template: string
  access: Access
  /** Takes other bodies than JSON. */
  uploads: boolean
  /** Media types of bodies that are files, and may be as large as one. */
  files: ReadonlySet<string>
}
/** What a path is known for: a route, or the methods that would have found one. */
export type Found = { route: Route } | { allow: string[]; public: boolean }

type Operation = {
  security?: Record<string, string[]>[]
  requestBody?: { content?: Record<string, unknown> }
  'x-file-bodies'?: string[]
}
/** The part of an OpenAPI document that is read here. */
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
  uploads: Object.keys(operation.requestBody?.content ?? {}).some((type) => !type.includes('json')),
  files: new Set(operation['x-file-bodies']),
})

const parameter = /\{[^}]*\}/g
/** `/v1/users/{id}` as find-my-way writes it. Names are left out, since `{id}` and `{key}` match the same paths. */
const patternOf = (template: string): string => {
  let count = 0
  return template.replaceAll(':', '::').replace(parameter, () => `:p${++count}`)
}
/** Sorts templates that match the same path: literal segments before parameters. */
const specificity = ({ template }: Route): string => template.replace(parameter, '\uffff')

const ignore = (): void => {}

/**
 * Finds the route of a request in the services' OpenAPI documents; a path in none of them is unknown, and an operation that
 * does not say otherwise needs a token. Literal segments win over parameters.
 * @throws Error if two services declare the same operation
 */
export const createRouteIndex = (documents: { service: string; document: PathsDocument }[]) => {
  // The length of a path is limited by the HTTP parser.
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

  const findOthers = (path: string): Found | undefined => {
    const known = methods
      .map((method) => ({ method, route: find(method, path) }))
      .filter((each): each is { method: (typeof methods)[number]; route: Route } => each.route !== undefined)
    // A more general route would answer that there is no such resource: in PUT /v1/users/me, `me` is not a user's id.
    const [closest] = known.map(({ route }) => specificity(route)).sort()
    if (closest === undefined) return undefined
    const allow: string[] = known.filter(({ route }) => specificity(route) === closest).map(({ method }) => method)
    if (allow.includes('GET')) allow.push('HEAD')
    return { allow: allow.sort(), public: known.every(({ route }) => route.access === 'public') }
  }

  return (method: string, path: string): Found | undefined => {
    // The router decodes what it compares, services do not: with its percent signs encoded, the path is compared as it is.
    const raw = path.includes('%') ? path.replaceAll('%', '%25') : path
    const route = find(method === 'HEAD' ? 'GET' : method, raw)
    return route ? { route } : findOthers(raw)
  }
}
export type RouteIndex = ReturnType<typeof createRouteIndex>

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
export type Found = { route: Route } | { allow: string[]; public: boolean }

type Operation = {
  security?: Record<string, string[]>[]
  requestBody?: { content?: Record<string, unknown> }
  'x-file-bodies'?: string[]
}
/** The part of an OpenAPI document that is read here. */
export type PathsDocument = { paths?: Record<string, Record<string, unknown>> }

type Node = { literals: Map<string, Node>; parameter?: Node; operations: Map<string, Route> }
const node = (): Node => ({ literals: new Map(), operations: new Map() })
const methods = ['get', 'post', 'put', 'patch', 'delete']

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

const place = (root: Node, template: string): Node => {
  let at = root
  for (const segment of template.slice(1).split('/')) {
    let next = segment.startsWith('{') ? at.parameter : at.literals.get(segment)
    if (!next) {
      next = node()
      if (segment.startsWith('{')) at.parameter = next
      else at.literals.set(segment, next)
    }
    at = next
  }
  return at
}

const collect = (at: Node, segments: string[], depth: number, found: Node[]): Node[] => {
  const segment = segments[depth]
  if (segment === undefined) {
    if (at.operations.size > 0) found.push(at)
    return found
  }
  const literal = at.literals.get(segment)
  if (literal) collect(literal, segments, depth + 1, found)
  if (at.parameter) collect(at.parameter, segments, depth + 1, found)
  return found
}

/**
 * Finds the route of a request in the services' OpenAPI documents; a path in none of them is unknown, and an operation that
 * does not say otherwise needs a token. Literal segments win over parameters.
 * @throws Error where two services declare the same operation
 */
export const createRouteIndex = (documents: { service: string; document: PathsDocument }[]) => {
  const root = node()
  for (const { service, document } of documents) {
    for (const [template, item] of Object.entries(document.paths ?? {})) {
      if (!template.startsWith('/v1/')) throw new Error(`${service} declares ${template}, which is outside of /v1`)
      const { operations } = place(root, template)
      for (const method of methods) {
        const operation = item[method] as Operation | undefined
        if (!operation) continue
        if (operations.has(method.toUpperCase())) throw new Error(`${method} ${template} is declared twice`)
        operations.set(method.toUpperCase(), routeOf(service, template, operation))
      }
    }
  }
  return (method: string, segments: string[]): Found | undefined => {
    const nodes = collect(root, segments, 0, [])
    if (nodes.length === 0) return undefined
    const wanted = method === 'HEAD' ? 'GET' : method
    for (const { operations } of nodes) {
      const route = operations.get(wanted)
      if (route) return { route }
    }
    // What the more general route would answer is that there is no such thing: PUT /v1/users/me is no user's id.
    const allow = new Set(nodes[0]?.operations.keys())
    if (allow.has('GET')) allow.add('HEAD')
    const isPublic = nodes.every(({ operations }) =>
      [...operations.values()].every(({ access }) => access === 'public'),
    )
    return { allow: [...allow].sort(), public: isPublic }
  }
}
export type RouteIndex = ReturnType<typeof createRouteIndex>

/** What the pages read of the merged OpenAPI document. */
export type Operation = {
  operationId: string
  summary: string
  description?: string
  tags?: string[]
  security?: Record<string, string[]>[]
  parameters?: {
    name: string
    in: 'query' | 'path' | 'header'
    required?: boolean
    description?: string
    example?: unknown
    schema?: { enum?: unknown[]; examples?: unknown[] }
  }[]
  requestBody?: { content: Record<string, { example?: unknown }> }
}

/** The merged OpenAPI document, as the pages read it. */
export type Contract = {
  info: { description: string }
  servers: { url: string }[]
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Operation>>
}

/** An operation with its method in upper case and its path. */
export type Route = Operation & { method: string; path: string }

/** The operations of each tag, in the order of the document. */
export const routesByTag = ({ tags, paths }: Contract): { name: string; description: string; routes: Route[] }[] => {
  const routes = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
  )
  return tags.map((tag) => ({ ...tag, routes: routes.filter((route) => route.tags?.includes(tag.name)) }))
}

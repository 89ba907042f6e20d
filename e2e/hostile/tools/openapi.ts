import { client } from '@clientele/platform/testing/client'

type Schema = { $ref?: string }
type Parameter = { name: string; in: string }
type Operation = {
  operationId: string
  'x-roles'?: string[]
  parameters?: Parameter[]
  responses?: Record<string, { content?: Record<string, { schema?: Schema }> }>
}
export type Document = { paths: Record<string, Record<string, Operation>> }

/** A list of the API, with all its query parameters. */
type ListRoute = { operationId: string; path: string; role: 'user' | 'admin'; parameters: string[] }

/** The merged OpenAPI document of the gateway. */
export const readDocument = async (gateway: string): Promise<Document> =>
  (await client(gateway).get('/openapi.json')).body as Document

export const operationsOf = ({ paths }: Document): Operation[] => Object.values(paths).flatMap(Object.values)

const isList = ({ responses = {} }: Operation): boolean =>
  /Page$/.test(responses['200']?.content?.['application/json']?.schema?.$ref ?? '')

/** Every GET that returns a page. */
export const listRoutes = ({ paths }: Document): ListRoute[] =>
  Object.entries(paths).flatMap(([path, { get: operation }]) =>
    operation && isList(operation)
      ? [
          {
            operationId: operation.operationId,
            path,
            role: operation['x-roles']?.includes('admin') ? ('admin' as const) : ('user' as const),
            parameters: (operation.parameters ?? []).filter((each) => each.in === 'query').map(({ name }) => name),
          },
        ]
      : [],
  )

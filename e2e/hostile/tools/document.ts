import { client } from '@clientele/platform/testing/client'

type Schema = { properties?: Record<string, { type?: string }> }
type Parameter = { name: string; in: string; description?: string }
type Operation = {
  operationId: string
  'x-roles'?: string[]
  parameters?: Parameter[]
  responses?: Record<string, { content?: Record<string, { schema?: Schema }> }>
}
export type Document = { paths: Record<string, Record<string, Operation>> }

/** A list of the API with all that it can be asked. */
type ListRoute = { operationId: string; path: string; role: 'user' | 'admin'; parameters: string[] }

/** The merged document, as everybody gets it. */
export const readDocument = async (gateway: string): Promise<Document> =>
  (await client(gateway).get('/openapi.json')).body as Document

export const operationsOf = ({ paths }: Document): Operation[] => Object.values(paths).flatMap(Object.values)

const isList = ({ responses = {} }: Operation): boolean => {
  const { data, page } = responses['200']?.content?.['application/json']?.schema?.properties ?? {}
  return data?.type === 'array' && page !== undefined
}

// The operators of a filter are named in its description: `surname[contains]`.
const spellings = ({ name, description = '' }: Parameter): string[] => [
  name,
  ...[...description.matchAll(/`(\w+\[\w+\])`/g)].map(([, spelling = '']) => spelling),
]

/** Every GET that answers with a page. */
export const listRoutes = ({ paths }: Document): ListRoute[] =>
  Object.entries(paths).flatMap(([path, { get: operation }]) =>
    operation && isList(operation)
      ? [
          {
            operationId: operation.operationId,
            path,
            role: operation['x-roles']?.includes('admin') ? ('admin' as const) : ('user' as const),
            parameters: (operation.parameters ?? []).filter((each) => each.in === 'query').flatMap(spellings),
          },
        ]
      : [],
  )

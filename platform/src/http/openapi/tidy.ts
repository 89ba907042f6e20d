/** A JSON schema in a document that is being generated. */
type Schema = Record<string, unknown>

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const lists = ['anyOf', 'oneOf', 'allOf']
const single = ['items', 'additionalProperties', 'propertyNames']

const subschemas = (schema: Schema): Schema[] =>
  [
    ...lists.flatMap((keyword) => (Array.isArray(schema[keyword]) ? (schema[keyword] as unknown[]) : [])),
    ...single.map((keyword) => schema[keyword]),
    ...Object.values(isObject(schema['properties']) ? schema['properties'] : {}),
  ].filter(isObject)

/**
 * Makes a schema fit for generators: `examples` instead of `example`, which OpenAPI 3.1 deprecates, and no `default` in a body or
 * beside a reference, because generators require a field that has one, and cannot merge it. The description names it.
 */
const tidy = (schema: Schema, isBody: boolean): void => {
  if ('example' in schema) {
    schema['examples'] = [schema['example']]
    delete schema['example']
  }
  if (isBody || '$ref' in schema) delete schema['default']
  for (const each of subschemas(schema)) tidy(each, isBody)
}

/**
 * Moves the example of a query parameter into its schema. Swagger UI would send one of the parameter itself with each request, where
 * it narrows a list to nothing.
 */
const moveExample = (parameter: Schema): void => {
  const { in: place, example, schema } = parameter
  if (place !== 'query' || example === undefined || !isObject(schema) || '$ref' in schema) return
  schema['examples'] = [example]
  delete parameter['example']
}

const tidySchemasIn = (value: unknown): void => {
  if (Array.isArray(value)) for (const each of value) tidySchemasIn(each)
  if (!isObject(value)) return
  moveExample(value)
  for (const [key, each] of Object.entries(value)) {
    if (key === 'schema' && isObject(each)) tidy(each, !('in' in value))
    else if (key !== 'example' && key !== 'examples') tidySchemasIn(each)
  }
}

/** Tidies every schema of a document, and removes headers that no response has. @returns the document */
export const tidyDocument = <T extends object>(document: T): T => {
  const { components, ...others } = document as { components?: { schemas?: Record<string, Schema>; headers?: object } }
  for (const schema of Object.values(components?.schemas ?? {})) tidy(schema, true)
  tidySchemasIn([others, { ...components, schemas: undefined }])
  if (components?.headers) {
    const text = JSON.stringify(document)
    const used = Object.entries(components.headers).filter(([name]) => text.includes(`"#/components/headers/${name}"`))
    components.headers = Object.fromEntries(used)
  }
  return document
}

/**
 * Removes regular expressions that tools cannot use: from responses, where nobody validates with them and mocks make up unreadable
 * texts, and where a format says the same.
 */
export const withoutPatterns = ({ jsonSchema, io }: { jsonSchema: Schema; io: 'input' | 'output' }): void => {
  if (io === 'output' || jsonSchema['format'] === 'uuid') delete jsonSchema['pattern']
}

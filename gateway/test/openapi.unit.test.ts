import { registry } from '@clientele/contracts/services'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { mergeOpenApi, readContracts, readOwnDocument } from '../src/site/api-documents.ts'

type Schema = Record<string, unknown>
type Content = Record<string, { schema: Schema; example?: unknown; examples?: Record<string, { value: unknown }> }>
type Response = { $ref?: string; content?: Content; headers?: Record<string, unknown> }
type Operation = {
  operationId: string
  parameters?: { name: string; in: string; schema: Schema }[]
  requestBody?: { content: Content }
  responses: Record<string, Response>
}

const contracts = await readContracts(registry.services.map(({ name }) => name))
const ownContract = { service: 'gateway', openapi: await readOwnDocument() }
const document = mergeOpenApi([...contracts, ownContract], {
  publicUrl: 'http://localhost:8000',
  keycloakIssuer: 'http://localhost:8080/realms/clientele',
}) as {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema>; responses: Record<string, Response> }
}
const operations = Object.values(document.paths).flatMap((item) => Object.values(item))

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema(document, 'openapi')

const pointerTo = (...path: string[]) =>
  `openapi#/${path.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`

/** Everything in the document that has a schema and may have an example, with its place. */
const contents = (): { place: string[]; content: Content[string]; type: string }[] => {
  const found: ReturnType<typeof contents> = []
  const add = (content: Content = {}, ...place: string[]) => {
    for (const [type, each] of Object.entries(content)) found.push({ place: [...place, type], content: each, type })
  }
  for (const [path, item] of Object.entries(document.paths))
    for (const [method, { requestBody, responses }] of Object.entries(item)) {
      const at = ['paths', path, method]
      add(requestBody?.content, ...at, 'requestBody', 'content')
      for (const [status, { content }] of Object.entries(responses)) add(content, ...at, 'responses', status, 'content')
    }
  for (const [name, { content }] of Object.entries(document.components.responses))
    add(content, 'components', 'responses', name, 'content')
  return found
}

const examplesOf = ({ example, examples = {} }: Content[string]): unknown[] => [
  ...(example === undefined ? [] : [example]),
  ...Object.values(examples).map(({ value }) => value),
]

const isFile = ({ schema }: Content[string]): boolean => {
  const name =
    String(schema['$ref'] ?? '')
      .split('/')
      .at(-1) ?? ''
  return schema['format'] === 'binary' || ['MediaUpload', 'PhotoForm'].includes(name)
}

const visit = (value: unknown, see: (schema: Schema) => void): void => {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) see(value as Schema)
  for (const [key, each] of Object.entries(value)) if (!/^examples?$/.test(key)) visit(each, see)
}

const reachable = (from: unknown): Set<string> => {
  const names = new Set<string>()
  const follow = (value: unknown): void =>
    visit(value, ({ $ref }) => {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(String($ref))?.[1]
      if (name === undefined || names.has(name)) return
      names.add(name)
      follow(document.components.schemas[name])
    })
  follow(from)
  return names
}

describe('The OpenAPI document', () => {
  it('has an example of every body but files, and each is valid', () => {
    const missing = contents().filter(({ content }) => examplesOf(content).length === 0 && !isFile(content))
    expect(missing.map(({ place }) => place.join(' '))).toEqual([])
    const invalid = contents().flatMap(({ place, content }) => {
      const validate = ajv.getSchema(pointerTo(...place, 'schema'))
      if (!validate) throw new Error(`no schema at ${place.join(' ')}`)
      return examplesOf(content).flatMap((example) =>
        validate(example) ? [] : [`${place.join(' ')}: ${ajv.errorsText(validate.errors)}`],
      )
    })
    expect(invalid).toEqual([])
  })

  it('has no regular expression in a response, and bounds for every integer', () => {
    const responses = [document.components.responses, ...operations.map(({ responses }) => responses)]
    const found: string[] = []
    for (const name of reachable(responses))
      visit(document.components.schemas[name], ({ pattern, type, minimum, maximum }) => {
        if (typeof pattern === 'string') found.push(`${name}: ${pattern}`)
        const isNumber = Array.isArray(type) ? type.includes('integer') : type === 'integer'
        if (isNumber && (minimum === undefined || maximum === undefined || Number(minimum) < -1e12))
          found.push(`${name}: unbounded integer`)
      })
    expect(found).toEqual([])
  })

  it('has no look-around in a regular expression but that of e-mail addresses: validators in Go and Rust do not know it', () => {
    const found = new Set<string>()
    visit(document, ({ pattern }) => {
      if (typeof pattern === 'string' && /\(\?<?[=!]/.test(pattern)) found.add(pattern)
    })
    expect([...found]).toEqual([expect.stringMatching(/^\^\(\?=\[\^@\]\{1,64\}@\)/)])
  })

  it('has no reference with keywords that generators would have to merge', () => {
    const found: string[] = []
    visit(document, (schema) => {
      if (typeof schema['$ref'] !== 'string') return
      const others = Object.keys(schema).filter((key) => !['$ref', 'description', 'examples', 'readOnly'].includes(key))
      if (others.length > 0) found.push(`${schema['$ref']}: ${others}`)
    })
    expect(found).toEqual([])
  })

  it('has a named schema of every page, and parameters with a type for filters, sorts and states', () => {
    // The feed has a cursor too, but no pages by number.
    const lists = operations.filter(({ parameters = [] }) => parameters.some(({ name }) => name === 'offset'))
    expect(lists.length).toBeGreaterThan(5)
    for (const { responses, parameters = [] } of lists) {
      expect(responses['200']?.content?.['application/json']?.schema['$ref']).toMatch(/Page$/)
      expect(parameters.find(({ name }) => name === 'sort')?.schema).toHaveProperty('items.enum')
    }
    const parametersOf = (id: string) =>
      Object.fromEntries(
        operations
          .find(({ operationId }) => operationId === id)
          ?.parameters?.map(({ name, schema }) => [name, schema]) ?? [],
      )
    expect(parametersOf('listOrders')).toMatchObject({
      status: { type: 'array', items: { $ref: '#/components/schemas/OrderStatus' } },
      'placedAt[gte]': { type: 'string', format: 'date-time' },
      'total[lt]': { type: 'number' },
      'customerId[exists]': { type: 'boolean' },
    })
    expect(parametersOf('listCustomers')).toMatchObject({
      hasPhoto: { type: 'boolean' },
      'name[contains]': { type: 'string' },
    })
  })

  it('names the headers that clients handle', () => {
    const headersOf = (id: string, status: string): string[] =>
      Object.keys(operations.find(({ operationId }) => operationId === id)?.responses[status]?.headers ?? {})
    expect(headersOf('getCustomer', '200')).toContain('ETag')
    expect(headersOf('getCustomer', '304')).toContain('ETag')
    expect(headersOf('createCustomer', '201')).toEqual(
      expect.arrayContaining(['ETag', 'Location', 'Idempotency-Replayed', 'X-Request-Id']),
    )
    expect(headersOf('getJobResult', '200')).toEqual(expect.arrayContaining(['X-Row-Count', 'Repr-Digest']))
    expect(document.components.responses['TooManyRequests']?.headers).toHaveProperty('Retry-After')
  })
})

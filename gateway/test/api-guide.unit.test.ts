import { readFileSync } from 'node:fs'
import { registry } from '@clientele/contracts/services'
import { problemList } from '../src/pages/problem-page.ts'
import { mergeOpenApi, readContracts, readOwnDocument } from '../src/site/api-documents.ts'

type Parameter = { name: string; in: string }
type Operation = { operationId: string; parameters?: Parameter[] }
type Contract = {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { enum?: string[] }>; headers: Record<string, object>; securitySchemes: object }
}

const guide = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
const contracts = await readContracts(registry.services.map(({ name }) => name))
const contract = mergeOpenApi([...contracts, { service: 'gateway', openapi: await readOwnDocument() }], {
  publicUrl: 'http://x',
  keycloakIssuer: 'http://k/realms/r',
}) as Contract
const text = JSON.stringify(contract)
const parameters = Object.values(contract.paths)
  .flatMap((item) => Object.values(item))
  .flatMap((operation) => operation.parameters ?? [])
const namesIn = (place: string): string[] => parameters.filter((each) => each.in === place).map(({ name }) => name)
const enumOf = (schema: string): string[] => contract.components.schemas[schema]?.enum ?? []

/** The texts between backticks, outside of blocks. */
const spans = [...guide.replace(/^```.*?^```$/gms, '').matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? '')

describe('docs/api.md', () => {
  it('names no parameter of a list and no operator that the contract does not have', () => {
    const queries = guide.match(/^GET \/v1\/\S+\?\S+$/gm) ?? []
    expect(queries.length).toBeGreaterThan(0)
    for (const query of queries) {
      const { pathname, searchParams } = new URL(query.replace('GET ', ''), 'http://x')
      const known = (contract.paths[pathname]?.['get']?.parameters ?? []).map(({ name }) => name)
      expect([query, [...searchParams.keys()].filter((name) => !known.includes(name))]).toEqual([query, []])
    }
    const known = namesIn('query')
    const named = spans.flatMap((span) => /^([A-Za-z]+(?:\[[A-Za-z]+\])?)=/.exec(span)?.[1] ?? [])
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => name !== 'field' && !known.includes(name))).toEqual([])
    const operators = spans.flatMap((span) => /^field(\[\w+\])$/.exec(span)?.[1] ?? [])
    const inContract = new Set(known.flatMap((name) => /\[\w+\]$/.exec(name)?.[0] ?? []))
    expect(operators.sort()).toEqual([...inContract].sort())
    for (const name of ['q', 'id', 'sort', 'limit', 'cursor', 'offset', 'total']) {
      expect(known).toContain(name)
      expect(spans).toContain(name)
    }
  })

  it('names no header that the contract does not have', () => {
    const headers = spans.flatMap((span) => /^((?:[A-Z]\w+-)+[A-Z]\w+|ETag|RateLimit)(?::|$)/.exec(span)?.[1] ?? [])
    expect(headers).toEqual(expect.arrayContaining(['Idempotency-Key', 'If-Match', 'Retry-After', 'RateLimit']))
    const known = [...namesIn('header'), ...Object.keys(contract.components.headers)]
    expect(headers.filter((name) => !known.includes(name))).toEqual([])
  })

  it('names no operation, field or code of an error that the contract does not have', () => {
    const operations = spans.flatMap((span) => /^(GET|POST|PUT|PATCH|DELETE) (\/v1\/\S+)$/.exec(span) ?? [])
    for (let index = 0; index < operations.length; index += 3) {
      const [span, method = '', path = ''] = operations.slice(index, index + 3)
      expect([span, Object.keys(contract.paths[path] ?? {})]).toEqual([
        span,
        expect.arrayContaining([method.toLowerCase()]),
      ])
    }
    const codes = spans.filter((span) => /^[a-z]+(_[a-z]+)+$/.test(span))
    expect(codes.length).toBeGreaterThan(10)
    const known = [...enumOf('ProblemCode'), ...enumOf('FieldErrorCode'), ...enumOf('MediaNoteCode')]
    expect(codes.filter((code) => !known.includes(code))).toEqual([])
    const fields = spans.filter((span) => /^[a-z]+[A-Z][A-Za-z]+$/.test(span))
    expect(fields.filter((name) => !text.includes(`"${name}":`))).toEqual([])
  })

  it('every code of a problem is on the page that it links to, or in itself', () => {
    expect(guide).toContain('(http://localhost:8000/problems)')
    const page = problemList()
    const codes = enumOf('ProblemCode')
    expect(codes.length).toBeGreaterThan(20)
    for (const code of codes) expect(page).toContain(`<code>${code}</code>`)
  })
})

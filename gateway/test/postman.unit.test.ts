import { registry } from '@clientele/contracts/services'
import { mergeOpenApi, readContracts, readOwnDocument } from '../src/site/api-documents.ts'
import type { Contract } from '../src/site/contract-view.ts'
import { postmanCollection } from '../src/site/postman.ts'

type Header = { key: string; value: string }
type Item = {
  id: string
  name: string
  request: {
    method: string
    header: Header[]
    url: { raw: string; query: { disabled: boolean }[]; variable: { key: string; value: string }[] }
    body?: { raw?: string }
  }
}
type Collection = { item: { item: Item[] }[]; variable: Header[] }

const contracts = await readContracts(registry.services.map(({ name }) => name))
const contract = mergeOpenApi([...contracts, { service: 'gateway', openapi: await readOwnDocument() }], {
  publicUrl: 'https://crm.example.com',
  keycloakIssuer: 'http://k/realms/r',
}) as Contract
const collection = postmanCollection(contract) as Collection
const items = collection.item.flatMap(({ item }) => item)

describe('The Postman collection', () => {
  it('has every operation once, at the address of the installation', () => {
    const operations = Object.values(contract.paths).flatMap((path) => Object.values(path))
    expect(items).toHaveLength(operations.length)
    expect(new Set(items.map(({ id }) => id)).size).toBe(operations.length)
    expect(collection.variable).toContainEqual({ key: 'baseUrl', value: 'https://crm.example.com' })
    for (const { request } of items) expect(request.url.raw).toMatch(/^\{\{baseUrl\}\}\/v1\//)
  })

  it('has an example for each JSON body, no fixed Idempotency-Key, and filters that are switched off', () => {
    for (const { name, request } of items) {
      const key = request.header.find((header) => header.key === 'Idempotency-Key')
      expect([name, key?.value]).toEqual([name, key && '{{$guid}}'])
      expect([name, request.body?.raw]).not.toEqual([name, '{}'])
      if (name.startsWith('List ')) expect(request.url.query.every(({ disabled }) => disabled)).toBe(true)
    }
  })

  it('has a variable for each id in a path', () => {
    const variables = collection.variable.map(({ key }) => `{{${key}}}`)
    const used = items.flatMap(({ request }) => request.url.variable).filter(({ key }) => key === 'id' || key === 'key')
    expect(used.length).toBeGreaterThan(20)
    for (const { value } of used) expect(variables).toContain(value)
  })
})

import { Parser } from '@asyncapi/parser'
import { registry } from '@clientele/contracts/services'
import { mergeAsyncApi, readContracts } from '../src/site/api-documents.ts'

const contracts = await readContracts(registry.services.map(({ name }) => name))

// Few tools can read 3.1 yet.
const explained = ['asyncapi-latest-version']

describe('The AsyncAPI document', () => {
  it.each([
    { name: 'the gateway', document: mergeAsyncApi(contracts) },
    ...contracts.map(({ service, asyncapi }) => ({ name: service, document: asyncapi })),
  ])('of $name is parsed without an error or a warning', async ({ document }) => {
    const { document: parsed, diagnostics } = await new Parser().parse(JSON.stringify(document))
    const findings = diagnostics.filter(({ code }) => !explained.includes(String(code)))
    expect(findings.map(({ code, message, path }) => `${code} at ${path.join('/')}: ${message}`)).toEqual([])
    expect(parsed?.allOperations().all().length).toBeGreaterThan(0)
  })
})

import type { Guide } from '../pages/guides.ts'
import { type Contract, routesByTag } from './contract-view.ts'

/** `/llms.txt`: an overview with links, for language models (llmstxt.org). */
export const llmsText = (contract: Contract, guides: Guide[], publicUrl: string): string => {
  const link = (title: string, path: string, text: string): string => `- [${title}](${publicUrl}${path}): ${text}`
  const anchor = (tag: string, operationId: string): string => `/docs#/${encodeURIComponent(tag)}/${operationId}`
  const operations = routesByTag(contract).flatMap(({ name, routes }) =>
    routes.map(({ summary, operationId, method, path }) =>
      link(summary, anchor(name, operationId), `${method} ${path}`),
    ),
  )
  return `# Clientele

> A self-hosted CRM back end for small shops: customers with photos, products with stock, orders, messages to customers, users and roles behind Keycloak, imports and exports, and an event for every change. Clients call one address, ${publicUrl}, with an access token.

Read the API guide first. What is unknown is an error: use only operations, parameters and fields of the contract.

## Guides

${guides.map(({ name, title, summary }) => link(title, `/guides/${name}.md`, summary)).join('\n')}

## Contract

${link('OpenAPI 3.1', '/openapi.json', 'all operations, with schemas, roles and examples')}
${link('AsyncAPI 3.0', '/asyncapi.json', 'all events on RabbitMQ')}
${link('Postman collection', '/postman.json', 'all operations with example bodies')}
${link('Error codes', '/problems', 'what each error means and what to do')}

## Optional

${operations.join('\n')}
`
}

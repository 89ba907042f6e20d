import { html } from './html.ts'
import { layout } from './layout.ts'

type Options = { docsEnabled: boolean; accountUrl: string }

const docsCards = html`<li><a href="/guides/api"><strong>API guide</strong><span>Filters, pages, versions, retries and errors on one page</span></a></li>
<li><a href="/docs"><strong>API documentation</strong><span>Read about every operation and try it</span></a></li>
<li><a href="/openapi.json"><strong>OpenAPI 3.1</strong><span>The HTTP contract, for generators</span></a></li>
<li><a href="/postman.json"><strong>Postman collection</strong><span>Every operation with an example</span></a></li>
<li><a href="/guides/events"><strong>Events</strong><span>How another system listens to changes</span></a></li>
<li><a href="/asyncapi.json"><strong>AsyncAPI 3.0</strong><span>The events that the services publish</span></a></li>`

/** The page at `/`. */
export const homePage = ({ docsEnabled, accountUrl }: Options): string =>
  layout({
    title: 'Clientele',
    scripts: ['/assets/health.js'],
    main: html`<section class="hero">
<h1>Customers, orders and events behind one API.</h1>
<p>Clientele is a self-hosted CRM back end for small shops and the teams that build for them. Front ends call this gateway, and users sign in with Keycloak.</p>
<p class="actions">${docsEnabled ? html`<a class="button" href="/docs">Sign in and try the API</a>` : ''}
<a class="button quiet" href="${accountUrl}">Your account</a></p>
</section>
<section aria-labelledby="links"><h2 id="links">Where to go</h2>
<ul class="cards">
${docsEnabled ? docsCards : ''}
<li><a href="/problems"><strong>Error codes</strong><span>What each code means and what to do</span></a></li>
</ul></section>
<section aria-labelledby="health"><h2 id="health">Health <span id="health-status" class="pill" role="status">checking…</span></h2>
<ul id="health-checks" class="checks"></ul>
<noscript><p><a href="/health">See the health</a></p></noscript></section>`,
  })

import { html } from './html.ts'

/** The Swagger UI page. Its settings are in data attributes, since inline scripts are forbidden. */
export const docsPage = ({ clientId }: { clientId: string }): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API documentation · Clientele</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/assets/docs.css">
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/assets/docs.js" defer></script>
</head>
<body>
<header class="docs-bar"><a href="/"><img src="/assets/mark.svg" alt="" width="24" height="24"> Clientele</a>
<a href="/guides/api">API guide</a>
<span>Choose <b>Authorize</b>, then <b>keycloak</b>, to sign in.</span></header>
<div id="swagger-ui" data-client-id="${clientId}" data-openapi="/openapi.json"></div>
</body>
</html>
`.text

import { type Html, html } from './html.ts'

/** The layout of a page. `scripts` are paths on the gateway. */
export const layout = ({ title, main, scripts = [] }: { title: string; main: Html; scripts?: string[] }): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/site.css">
${scripts.map((src) => html`<script src="${src}" defer></script>`)}
</head>
<body>
<header class="bar"><a class="brand" href="/"><img src="/assets/mark.svg" alt="" width="28" height="28"><span>Clientele</span></a></header>
<main>
${main}
</main>
<footer>Clientele, a self-hosted CRM back end</footer>
</body>
</html>
`.text

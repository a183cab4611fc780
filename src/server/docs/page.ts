/**
 * The reference pages: every operation of the OpenAPI document, and every error code. Plain HTML, rendered once by the
 * service itself: no script, nothing from elsewhere, and whatever text goes in is escaped.
 */
import { html } from 'hono/html';
import { ERRORS } from '../../core/errors.js';
import { renderSchema, type Html, type SchemaObject } from './schema.js';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: SchemaObject;
}

type Content = Readonly<Record<string, { readonly schema?: SchemaObject }>>;

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

/** What is read of the OpenAPI document. */
export interface ReferenceDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas?: Readonly<Record<string, SchemaObject>> };
}

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export function referencePage(document: ReferenceDocument): Html {
  const byTag = new Map<string, Entry[]>();
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const [tag] = operation.tags;
      byTag.set(tag, [...(byTag.get(tag) ?? []), { method, path, operation }]);
    }
  }
  const tags = [...byTag].sort(([a], [b]) => (a < b ? -1 : 1));
  const schemas = Object.entries(document.components.schemas ?? {});
  const navigation = html`${tags.map(
      ([tag, entries]) =>
        html`<h2>${tag}</h2>
          <ul>
            ${entries.map(
              ({ operation }) => html`<li><a href="#${operation.operationId}">${operation.summary}</a></li>`,
            )}
          </ul>`,
    )}
    <h2>more</h2>
    <ul>
      <li><a href="#schemas">Schemas</a></li>
      <li><a href="/docs/errors">Errors</a></li>
      <li><a href="/openapi.json">OpenAPI document</a></li>
    </ul>`;
  const content = html`<h1>${document.info.title} ${document.info.version}</h1>
    <p>
      ${document.info.description ?? ''} Lists are paged: <code>limit</code>, and <code>cursor</code> out of
      the page before. Errors are <a href="/docs/errors">problem details</a>. Where the service has tokens, a
      request carries <code>Authorization: Bearer TOKEN</code> and its token has the scope that the operation
      names.
    </p>
    ${tags.map(
      ([tag, entries]) =>
        html`<section>
          <h2>${tag}</h2>
          ${entries.map(renderEntry)}
        </section>`,
    )}
    <section id="schemas">
      <h2>Schemas</h2>
      ${schemas.map(
        ([name, schema]) =>
          html`<article id="schema-${name}">
            <h3>${name}</h3>
            ${paragraph(schema.description)}
            <pre><code>${renderSchema(schema)}</code></pre>
          </article>`,
      )}
    </section>`;
  return layout(`${document.info.title}: reference`, navigation, content);
}

function renderEntry({ method, path, operation }: Entry): Html {
  const [scope] = operation.security?.flatMap((scheme) => Object.values(scheme).flat()) ?? [];
  const body = Object.entries(operation.requestBody?.content ?? {});
  const parameters = operation.parameters ?? [];
  return html`<article id="${operation.operationId}">
    <h3>
      <a href="#${operation.operationId}">${operation.summary}</a
      >${scope === undefined ? '' : html`<span class="scope">scope ${scope}</span>`}
    </h3>
    <p class="where"><span class="method ${method}">${method.toUpperCase()}</span><code>${path}</code></p>
    ${paragraph(operation.description)}
    ${
      parameters.length === 0
        ? ''
        : html`<h4>Parameters</h4>
            <table>
              ${parameters.map(renderParameter)}
            </table>`
    }
    ${body.map(
      ([type, { schema }]) =>
        html`<h4>Body: ${type}</h4>
          <pre><code>${renderSchema(schema ?? {})}</code></pre>`,
    )}
    <h4>Responses</h4>
    <table>
      ${Object.entries(operation.responses).map(
        ([status, { description, content }]) =>
          html`<tr>
            <td>${status}</td>
            <td>
              ${description}${Object.entries(content ?? {}).map(([type, { schema }]) =>
                Number(status) >= 400
                  ? ''
                  : html`<div class="note">${type}</div>
                      <pre><code>${renderSchema(schema ?? {})}</code></pre>`,
              )}
            </td>
          </tr>`,
      )}
    </table>
  </article>`;
}

function renderParameter({ name, in: place, required, description, schema = {} }: Parameter): Html {
  const notes = [
    place,
    ...(required === true ? ['required'] : []),
    ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
    ...(schema.minimum === undefined ? [] : [`at least ${schema.minimum}`]),
    ...(schema.maximum === undefined ? [] : [`at most ${schema.maximum}`]),
  ].join(', ');
  return html`<tr>
    <td><code>${name}</code></td>
    <td>
      <code>${renderSchema(schema)}</code>
      <span class="note">${notes}</span>${paragraph(description ?? schema.description)}
    </td>
  </tr>`;
}

function paragraph(text: string | undefined): Html {
  return text === undefined ? html`` : html`<p>${text}</p>`;
}

/** Every error code: an error's `type` leads to its row. */
export function errorsPage(): Html {
  const codes = Object.entries(ERRORS);
  return layout(
    'Errors',
    html`<ul>
      <li><a href="/docs">Reference</a></li>
    </ul>`,
    html`<h1>Errors</h1>
      <p>
        An error is <code>application/problem+json</code> after RFC 9457: <code>type</code> (a row of this
        page), <code>title</code>, <code>status</code>, <code>detail</code>, <code>code</code>, often a
        <code>hint</code> what to do, and <code>instance</code>, which the service's log has too. Commands
        exit with the status in the last column.
      </p>
      <table>
        <tr>
          <th>code</th>
          <th>meaning</th>
          <th>HTTP</th>
          <th>exit</th>
        </tr>
        ${codes.map(
          ([code, { title, http, exit }]) =>
            html`<tr id="${code}">
              <td><code>${code}</code></td>
              <td>${title}</td>
              <td>${http}</td>
              <td>${exit}</td>
            </tr>`,
        )}
      </table>`,
  );
}

function layout(title: string, navigation: Html, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="/docs/style.css" />
      </head>
      <body>
        <div class="layout">
          <nav>
            <a href="/docs"><strong>Tokenmill</strong></a
            >${navigation}
          </nav>
          <main>${content}</main>
        </div>
      </body>
    </html>`;
}

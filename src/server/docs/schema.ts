/** A JSON schema of the OpenAPI document as a type that a person reads: `{ name: string, tokens: integer | null }`. */
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** What is read of a schema. */
export interface SchemaObject {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: SchemaObject;
  readonly properties?: Readonly<Record<string, SchemaObject>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaObject | boolean;
  readonly anyOf?: readonly SchemaObject[];
  readonly oneOf?: readonly SchemaObject[];
  readonly allOf?: readonly SchemaObject[];
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Put in as values, so that the formatter of this file leaves them as they are. */
const NEWLINE = '\n';
const INDENT = '  ';

/** Objects deeper than this are shown as `object`. */
const MAX_DEPTH = 5;

export function renderSchema(schema: SchemaObject, depth = 0): Html {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace('#/components/schemas/', '');
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (schema.const !== undefined) return html`${JSON.stringify(schema.const)}`;
  if (schema.enum !== undefined)
    return html`${schema.enum.map((value) => JSON.stringify(value)).join(' | ')}`;
  const parts = schema.allOf ?? schema.anyOf ?? schema.oneOf;
  if (parts !== undefined) {
    const extra =
      schema.properties === undefined
        ? []
        : [{ type: 'object', properties: schema.properties, required: schema.required }];
    const separator = schema.allOf === undefined ? ' | ' : ' & ';
    return join(
      [...parts, ...extra].map((part) => renderSchema(part, depth)),
      separator,
    );
  }
  const types =
    schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (types.length === 0) return html`any`;
  return join(
    types.map((type) => renderType(type, schema, depth)),
    ' | ',
  );
}

function renderType(type: string, schema: SchemaObject, depth: number): Html {
  if (type === 'array') {
    const item = renderSchema(schema.items ?? {}, depth);
    return schema.items?.$ref === undefined && schema.items?.properties === undefined
      ? html`array of ${item}`
      : html`${item}[]`;
  }
  if (type !== 'object') return html`${type}${schema.format === undefined ? '' : ` (${schema.format})`}`;
  if (schema.properties === undefined) {
    const values = schema.additionalProperties;
    return typeof values === 'object' ? html`{ [name]: ${renderSchema(values, depth)} }` : html`object`;
  }
  if (depth >= MAX_DEPTH) return html`object`;
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    const optional = schema.required?.includes(name) === true ? '' : '?';
    const type = renderSchema(property, depth + 1);
    const start = `${NEWLINE}${INDENT.repeat(depth + 1)}${name}${optional}: `;
    return property.description === undefined
      ? html`${start}${type}`
      : html`${start}${type}<span class="note">${INDENT}# ${property.description}</span>`;
  });
  return html`{${lines}${NEWLINE}${INDENT.repeat(depth)}}`;
}

function join(parts: readonly Html[], separator: string): Html {
  return html`${parts.map((part, index) => (index === 0 ? part : html`${separator}${part}`))}`;
}

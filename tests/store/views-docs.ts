/** The lists of views and reports in docs/sql.md, out of the code. */
import { listReports } from '../../src/store/query/reports.js';
import { VIEWS, viewColumns } from '../../src/store/views.js';

export function viewsList(): string {
  const columns = viewColumns();
  const lines = VIEWS.map(
    (view) => `- \`${view}\`: ${columns[view].map(({ name, type }) => `${name} ${type}`).join(', ')}`,
  );
  return lines.join('\n');
}

export async function reportsList(): Promise<string> {
  const reports = await listReports();
  return reports
    .map(({ name, doc, parameters }) => {
      const shown = parameters.map((one) => `\`${one.name}\` (${JSON.stringify(one.default)})`).join(', ');
      return `- \`${name}\`: ${doc} Parameters: ${shown}.`;
    })
    .join('\n');
}

/** Style of the reference pages, a text here because only code is compiled into the package. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2126; --quiet: #5b6670; --line: #dde2e6; --ground: #fff; --panel: #f5f7f8; --accent: #1558a6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8eb; --quiet: #9aa5ae; --line: #343c43; --ground: #14181b; --panel: #1d2226; --accent: #7db4ee; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.layout { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 76rem; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); font-size: 0.875rem; }
nav h2 { margin: 1.2rem 0 0.3rem; font-size: 0.75rem; letter-spacing: 0.06em; text-transform: uppercase; color: var(--quiet); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { padding: 0.1rem 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
main { padding: 1.5rem 2rem 6rem; min-width: 0; }
h1 { margin: 0 0 0.5rem; font-size: 1.75rem; }
main h2 { margin: 3rem 0 0; padding-bottom: 0.3rem; border-bottom: 2px solid var(--line); font-size: 1.35rem; }
article { padding: 1.5rem 0; border-bottom: 1px solid var(--line); }
h3 { margin: 0; font-size: 1.05rem; }
h4 { margin: 1rem 0 0.3rem; font-size: 0.8rem; color: var(--quiet); }
p { margin: 0.4rem 0; }
code, pre { font: 0.86rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { margin: 0; padding: 0.7rem 0.9rem; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; }
.where { margin: 0.5rem 0; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 4rem; padding: 0.05rem 0.5rem; margin-right: 0.5rem; border-radius: 4px; background: #2c6e49; color: #fff; font: 600 0.75rem/1.6 ui-monospace, Menlo, monospace; text-align: center; }
.method.post { background: #1558a6; } .method.put, .method.patch { background: #8a5a00; } .method.delete { background: #a02c2c; }
.scope { float: right; font-size: 0.8rem; color: var(--quiet); }
table { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.35rem 0.8rem 0.35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; color: var(--quiet); font-size: 0.8rem; }
td:first-child { white-space: nowrap; }
.note { color: var(--quiet); }
@media (max-width: 50rem) { .layout { display: block; } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); } main { padding: 1.5rem 1rem 4rem; } }
`;

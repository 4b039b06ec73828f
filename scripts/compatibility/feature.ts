// What a row of docs/compatibility.md says, and how its tables are printed. The rows stand in the files beside this one, one
// file a table; test/docs.test.ts holds every row against the tests that it names.

/** A test that shows it: a file of the project, and words that stand in it, the title of the test as a rule. */
export interface Proof {
  readonly file: string;
  readonly title: string;
}

interface Told {
  readonly feature: string;
  readonly azure: string;
  /** Page of Microsoft's documentation below https://learn.microsoft.com/azure/, or a link. */
  readonly page: string;
  readonly postern: string;
}

export type Feature =
  | (Told & {
      /**
       * `same` where nobody can tell the two apart, `differs` where somebody can, `chosen` where Microsoft's pages disagree,
       * `refused` by name, `added` where Azure has nothing of the kind.
       */
      readonly status: 'same' | 'differs' | 'chosen' | 'refused' | 'added';
      readonly proofs: readonly [Proof, ...Proof[]];
    })
  /** Nothing of the kind is there, and there is no property or command by which somebody could ask for it. */
  | (Told & { readonly status: 'absent'; readonly proofs: readonly [] });

/** `file: title`. */
function toProof(text: string): Proof {
  const end = text.indexOf(': ');
  return { file: text.slice(0, end), title: text.slice(end + 2) };
}

type Proofs = readonly [string, ...string[]];
type Row = readonly [feature: string, azure: string, page: string, postern: string, ...proofs: Proofs];

function toFeature(
  status: Exclude<Feature['status'], 'absent'>,
  [feature, azure, page, postern, ...proofs]: Row,
): Feature {
  const [first, ...others] = proofs;
  return { feature, azure, page, postern, status, proofs: [toProof(first), ...others.map(toProof)] };
}

/** The Postern column is empty where "the same" says it all. */
export const same = (feature: string, azure: string, page: string, ...proofs: Proofs): Feature =>
  toFeature('same', [feature, azure, page, '', ...proofs]);
export const differs = (...row: Row): Feature => toFeature('differs', row);
export const chosen = (...row: Row): Feature => toFeature('chosen', row);
export const refused = (...row: Row): Feature => toFeature('refused', row);
export const added = (...row: Row): Feature => toFeature('added', row);
export const absent = (feature: string, azure: string, page: string, postern: string): Feature => ({
  ...{ feature, azure, page, postern },
  status: 'absent',
  proofs: [],
});

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  return [headings, headings.map(() => '---'), ...rows]
    .map(cells => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

export function featureTable(features: readonly Feature[]): string {
  return table(
    ['Feature', 'Azure', 'Postern', 'Status', 'Proof'],
    features.map(({ feature, azure, page, postern, status, proofs }) => [
      feature,
      [azure, pageLink(page)].filter(Boolean).join(' '),
      postern,
      status,
      proofs.map(proofLink).join(' '),
    ]),
  );
}

export function proofLink({ file, title }: Proof): string {
  const name = file.replace(/\.test\.ts$/, '').replace(/^.*\/(?=[^/]+\/[^/]+$)/, '');
  return `[${name}](../${file} "${title.replaceAll('"', '&quot;')}")`;
}

function pageLink(page: string): string {
  if (page === '') return '';
  if (page.startsWith('https://')) return `([${page.replace(/^https:\/\/(www\.)?/, '')}](${page}))`;
  return `([${page.replace(/^.*\/(?=[^/]+$)/, '')}](https://learn.microsoft.com/azure/${page}))`;
}

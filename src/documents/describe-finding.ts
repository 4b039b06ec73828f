// A finding about a document as a line for people: where it stands in the files that were read, and what it says. Pure.

import { type DocumentFault, type DocumentPlace, formatDocumentFault } from './read-documents.ts';

/** `policy.json:12:3: resources[2].properties.priority: message`; `from` stands for what no file describes. */
export function describeFinding(
  {
    resource,
    target,
    message,
  }: {
    /** Id of the document. */
    readonly resource: string;
    /** A path in it, or the name of a rule. */
    readonly target: string;
    readonly message: string;
  },
  fileOf: (id: string, target: string) => DocumentPlace | undefined,
  from: string,
  format: (fault: DocumentFault) => string = formatDocumentFault,
): string {
  const isPath = target.startsWith('properties');
  const place = fileOf(resource, isPath ? target : '');
  const what = isPath || target === '' || message.includes(target) ? '' : `${target}: `;
  return place ? format({ place, message: `${what}${message}` }) : `${from}: ${what}${message}`;
}

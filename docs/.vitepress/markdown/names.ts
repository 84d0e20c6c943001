/** @file Lets long names in code break between their words, where a column or a phone has no room for them. */
import type { MarkdownRenderer } from 'vitepress';

/** Before a capital, and behind a slash, an underscore, or a dot that no number and no file's ending follows. */
const BETWEEN_WORDS = /(?<=[a-z\d])(?=[A-Z])|(?<=[a-z\d][_/])(?=\w)|(?<=[\w\]]\.)(?=[a-zA-Z]{3})/g;

export function breakableNames(markdown: MarkdownRenderer): void {
  const render = markdown.renderer.rules.code_inline!;
  markdown.renderer.rules.code_inline = (...token) => {
    const [, start, code, end] = /^(<code[^>]*>)(.*)(<\/code>)$/s.exec(render(...token))!;
    return start! + code!.replace(BETWEEN_WORDS, '<wbr>') + end!;
  };
}

// The highlighter with the languages that a company's employees paste and ask for; every other block stays plain text.
import hljs from "@highlightjs/cdn-assets/es/core.min.js";
import bash from "@highlightjs/cdn-assets/es/languages/bash.min.js";
import c from "@highlightjs/cdn-assets/es/languages/c.min.js";
import cpp from "@highlightjs/cdn-assets/es/languages/cpp.min.js";
import csharp from "@highlightjs/cdn-assets/es/languages/csharp.min.js";
import css from "@highlightjs/cdn-assets/es/languages/css.min.js";
import diff from "@highlightjs/cdn-assets/es/languages/diff.min.js";
import ini from "@highlightjs/cdn-assets/es/languages/ini.min.js";
import java from "@highlightjs/cdn-assets/es/languages/java.min.js";
import javascript from "@highlightjs/cdn-assets/es/languages/javascript.min.js";
import json from "@highlightjs/cdn-assets/es/languages/json.min.js";
import markdown from "@highlightjs/cdn-assets/es/languages/markdown.min.js";
import php from "@highlightjs/cdn-assets/es/languages/php.min.js";
import powershell from "@highlightjs/cdn-assets/es/languages/powershell.min.js";
import python from "@highlightjs/cdn-assets/es/languages/python.min.js";
import shell from "@highlightjs/cdn-assets/es/languages/shell.min.js";
import sql from "@highlightjs/cdn-assets/es/languages/sql.min.js";
import typescript from "@highlightjs/cdn-assets/es/languages/typescript.min.js";
import vbnet from "@highlightjs/cdn-assets/es/languages/vbnet.min.js";
import vbscript from "@highlightjs/cdn-assets/es/languages/vbscript.min.js";
import xml from "@highlightjs/cdn-assets/es/languages/xml.min.js";
import yaml from "@highlightjs/cdn-assets/es/languages/yaml.min.js";

const grammars = {
  bash, c, cpp, csharp, css, diff, ini, java, javascript, json, markdown,
  php, powershell, python, shell, sql, typescript, vbnet, vbscript, xml, yaml,
};
for (const [name, grammar] of Object.entries(grammars)) hljs.registerLanguage(name, grammar);

export default hljs;

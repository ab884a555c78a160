-- What Quarto does beyond pandoc, for the road without Quarto: numbered figures and tables, references to them, alternative
-- texts, callouts. The names of classes and the order of parts are Quarto's, so that one style serves both.

local KINDS = { fig = "Figure", tbl = "Table" }
local numbers = {}
local unresolved = {}

local function kind_of(identifier)
  local kind = identifier:match("^(%a+)%-")
  return KINDS[kind] and kind
end

local function numbered(identifier)
  return KINDS[kind_of(identifier)] .. "\u{a0}" .. numbers[identifier]
end

local function raw(html)
  return pandoc.RawBlock("html", html)
end

-- A float: <figure> with its caption below (figures) or above (tables).
local function float(div)
  local kind = kind_of(div.identifier)
  local content = pandoc.Blocks(div.content)
  local caption = content:remove()
  caption = pandoc.Plain(pandoc.Inlines({ numbered(div.identifier) .. ": " }) .. caption.content)
  local captioned = { raw('<figcaption class="quarto-float-caption">'), caption, raw("</figcaption>") }
  local parts = pandoc.Blocks({ raw('<figure class="quarto-float quarto-float-' .. kind .. '">') })
  local inner = { pandoc.Div(content) }
  parts:extend(kind == "tbl" and captioned or inner)
  parts:extend(kind == "tbl" and inner or captioned)
  parts:insert(raw("</figure>"))
  return pandoc.Div(parts, pandoc.Attr(div.identifier, { "quarto-float" }))
end

local function callout(div)
  local content = pandoc.Blocks(div.content)
  if content[1] and content[1].t == "Header" then
    content[1] = pandoc.Para({ pandoc.Strong(content[1].content) })
  end
  return pandoc.Div({ pandoc.BlockQuote(content) })
end

local number = {
  traverse = "topdown",
  Div = function(div)
    local kind = kind_of(div.identifier)
    if kind then
      numbers[kind] = (numbers[kind] or 0) + 1
      numbers[div.identifier] = numbers[kind]
    end
  end,
}

local rewrite = {
  Image = function(image)
    if image.attributes["fig-alt"] then
      image.caption = { pandoc.Str(image.attributes["fig-alt"]) }
      image.attributes["fig-alt"] = nil
    end
    return image
  end,
  Cite = function(cite)
    local identifier = cite.citations[1].id
    local kind = identifier:match("^(%a+)%-")
    if not (KINDS[kind] or kind == "sec") then
      return nil
    end
    if not numbers[identifier] then
      unresolved[#unresolved + 1] = "@" .. identifier
      return pandoc.Str("?@" .. identifier)
    end
    return pandoc.Link(numbered(identifier), "#" .. identifier, "", { class = "quarto-xref" })
  end,
  Div = function(div)
    if kind_of(div.identifier) then
      return float(div)
    end
    for _, class in ipairs(div.classes) do
      if class:match("^callout%-") then
        return callout(div)
      end
    end
  end,
  Pandoc = function()
    for _, name in ipairs(unresolved) do
      io.stderr:write("Unable to resolve crossref " .. name .. "\n")
    end
  end,
}

return { number, rewrite }
